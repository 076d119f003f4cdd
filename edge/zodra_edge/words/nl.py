"""The Dutch sentences, in the tone of the household's page: short, and with `je`."""

from typing import Final

NL: Final = {
    "error": "Fout",
    "as_told": "{why}",
    "settings_fault": "de instellingen kloppen niet: {why}",
    "cannot_write": "kan niet schrijven in {folder}: {why}; gebruik het account van de gateway "
    "zelf, of root",
    "holds_now": "De gateway die draait heeft het overgenomen; opnieuw starten is niet nodig.",
    "holds_later": "Op {data_dir} draait geen gateway; het geldt vanaf de volgende start.",
    "not_taken_up": "De gateway die draait heeft het niet overgenomen: {why}. Start hem opnieuw, "
    "dan geldt het: systemctl restart zodra-edge",
    "request_not_left": "kan in {folder} geen verzoek voor de gateway neerleggen: {why}; gebruik "
    "het account van de gateway zelf, of root",
    "request_not_taken": "de gateway heeft het verzoek niet binnen {seconds:.0f} s opgepakt, en "
    "er is niets gebeurd; kijk met: zodra-edge status",
    "request_unanswered": "de gateway heeft het verzoek opgepakt en niet binnen {seconds:.0f} s "
    "geantwoord; kijk wat ervan kwam voor je het nog eens vraagt: zodra-edge status, zodra-edge "
    "outbox show",
    "answer_strange": "het antwoord van de gateway is van een andere versie; start hem opnieuw, "
    "zodat hij dezelfde zodra-edge is als deze opdracht: systemctl restart zodra-edge",
    "request_strange": "de gateway kan het verzoek niet lezen, of het is meer dan een minuut oud; "
    "vraag het nog eens, en blijft het zo, start hem dan opnieuw: systemctl restart zodra-edge",
    "disk_cannot_remember": "de schijf kan het niet onthouden ({why}); kijk met: zodra-edge doctor",
    "other_settings_changed": "in de instellingen is meer veranderd dan de apparaten ({names})",
    "devices_unread": "de instellingen zijn niet te lezen: {why}",
    "buying_paused": "Kopen staat op pauze: elke druk wordt bewaard en verstuurd, en is alleen "
    "een vraag.",
    "buying_resumed": "Kopen gaat verder: een druk mag weer bestellen wat een afspraak dekt.",
    "device_unknown": "er is geen apparaat {device_id} in de instellingen; wel bekend: {known}",
    "device_without_key": "{device_id} heeft geen bind_key in de instellingen, en dus geen teller "
    "om opnieuw te leren; een druk erop is toch al alleen een vraag",
    "device_not_running": "op {data_dir} draait geen gateway, en alleen een gateway die draait "
    "kan {device_id} horen; start hem (systemctl start zodra-edge) en vraag het nog eens",
    "agent_knows_not": "de gateway die draait kent geen apparaat {device_id} met een bind_key; "
    "start hem opnieuw: systemctl restart zodra-edge",
    "relearn": "Druk nu op {device_id}: het eerste bericht binnen {seconds:.0f} s wordt geloofd.",
    "armed": "{device_id} oefent niet meer: een druk erop telt.",
    "armed_already": "{device_id} oefent niet; een druk erop telt al",
    "practice_by_hand": "{device_id} is aan het oefenen, maar `practice = true` staat in {config} "
    "niet op een eigen regel; haal het met de hand uit zijn sectie",
    "not_toml": "{path} is geen TOML: {why}; maak het goed, of neem {path}.before terug",
    "cannot_change": "kan {path} niet veranderen: {why}; gebruik een account dat daar mag "
    "schrijven, zoals root",
    "cannot_write_key": "kan de bind key niet naar {path} schrijven: {why}; haal dat bestand weg "
    "als het van een apparaat is dat er niet meer is, of kies een andere --device-id",
    "nothing_changed": "er is niets veranderd: {why}",
    "not_printable": "{value} heeft tekens die niet te tonen zijn; dat mag niet in namen en topics",
    "press_now": "Druk nu op de knop; er wordt {seconds:.0f} s geluisterd.",
    "on_the_broker": "op de broker",
    "can_be_read": "is te lezen",
    "can_be_read_with_key": "is te lezen met zijn bind key",
    "can_be_read_connected": "is te lezen via een verbinding",
    "not_understood": "is niet te begrijpen: {raw}",
    "says_nothing": "is niet te begrijpen: het zegt alleen dat het er is",
    "nobody": "Niemand gehoord die niet al in de instellingen staat. De gateway moet draaien om "
    "te horen (zodra-edge status); druk een keer op het nieuwe apparaat, en kijk nog eens.",
    "not_heard": "{where} wordt niet gehoord. Draait de gateway (zodra-edge status), en is het "
    "apparaat in de buurt? Druk er een keer op, en vraag het binnen een minuut nog eens",
    "taken_already": "{where} staat al in de instellingen, als {device_id}; druk erop, en kijk "
    "met: zodra-edge status",
    "which": "Welk apparaat? Een nummer, Enter om nog eens te kijken, p om op zijn knop te "
    "drukken, q om te stoppen",
    "ask_key": "De bind key, uit de app van de maker (blijft onzichtbaar)",
    "ask_family": "Wat is het?",
    "ask_name": "De naam",
    "ask_slot": "Het vak waar het voor bestelt",
    "key_shape": "de bind key heeft {digits} hexadecimale cijfers en er moeten er 32 zijn, of 24 "
    "bij een oudere Xiaomi; kopieer hem nog eens uit de app van de maker",
    "key_shape_letters": "de bind key heeft tekens die geen hexadecimale cijfers zijn (0-9, a-f); "
    "kopieer hem nog eens uit de app van de maker",
    "key_missing": "{where} versleutelt wat het zegt, en daar hoort een bind key bij, die in de "
    "app van de maker staat: --bind-key-file BESTAND",
    "key_needless": "{where} versleutelt niets; koppel het zonder --bind-key-file",
    "key_wrong": "de bind key past niet op wat {where} zegt; er is niets veranderd. Is het de "
    "sleutel van dit apparaat? Na een reset krijgt het een nieuwe",
    "key_not_tried": "met het laatste bericht van {where} is de bind key niet te proberen "
    "({reason}); druk een keer op het apparaat, en vraag het binnen een minuut nog eens",
    "cannot_be_paired": "{where} {verdict}; misschien is er een pakket dat het kan lezen "
    "(docs/parsers.md)",
    "say_family": "wat {where} voor apparaat is blijkt niet uit wat het zegt; voeg --family toe "
    "met een van {families}",
    "paired": "{device_id} staat in {config}.",
    "practise": "Druk erop, en zie het aankomen: zodra-edge pair --watch 60",
    "nobody_practises": "op {data_dir} draait geen gateway met een apparaat dat oefent; koppel er "
    "een (zodra-edge pair), en kijk of de gateway draait (zodra-edge status)",
    "watching": "Druk nu: {names}. Er wordt niets verstuurd.",
    "rehearsed": "{device_id} {slot_key}: gehoord, nergens bewaard, er wordt niets gekocht",
}
