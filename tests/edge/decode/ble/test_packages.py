"""A package of somebody else's is installed, found by its entry point, and cannot do harm."""

import subprocess
import sys
import textwrap
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[4]
EXAMPLE = ROOT / "docs" / "examples" / "zodra-parser-mat"
UV = Path(sys.executable).with_name("uv")


def wheel(folder: Path, name: str, entry_points: dict[str, str], source: str) -> Path:
    """Build what a build backend would: one module, and its entry points."""
    info = f"{name}-1.0.dist-info"
    points = "\n".join(f"{point} = {where}" for point, where in entry_points.items())
    files = {
        f"{name}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[zodra.parsers]\n{points}\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path


def installed(folder: Path, built: Path) -> Path:
    target = folder / "site"
    to = ["--python", sys.executable, "--target", str(target)]
    quietly = ["--quiet", "--offline", "--no-deps"]
    subprocess.run([str(UV), "pip", "install", *quietly, *to, str(built)], check=True)
    return target


def said(target: Path, program: str) -> list[str]:
    """Run a program in a process that has what is installed there."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={"PYTHONPATH": f"{target}:{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


READS = """
    from dataclasses import replace
    from edge_frames import PLAIN_BUTTON, advert
    from zodra_edge.decode import Family, decode
    from zodra_edge.decode.ble.registry import loaded, recognise

    print(*(named.name for named in loaded().parsers))
    print(*loaded().broken)
    frame = replace(advert(None), name=None, manufacturer_data={0xFFFF: FRAME})
    known = recognise(frame)
    print(known and (known.name, known.model))
    for family in (Family.SENSOR, Family.BUTTON):
        said = decode(frame, replace(PLAIN_BUTTON, family=family))
        readings = [(r.kind.value, r.value) for r in getattr(said, "readings", ())]
        presses = [press.event for press in getattr(said, "presses", ())]
        print(getattr(said, "reason", ""), readings, presses)
"""


def test_the_example_of_the_documentation_is_installed_and_reads(tmp_path: Path) -> None:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    built = wheel(
        tmp_path,
        "zodra_parser_mat",
        project["entry-points"]["zodra.parsers"],
        (EXAMPLE / "zodra_parser_mat.py").read_text(),
    )
    frame = "b'M' + bytes([7, 0x90, 0x01, 88, 1])"
    names, broken, known, sensor, button = said(
        installed(tmp_path, built), READS.replace("FRAME", frame)
    )
    assert names == "bthome xiaomi ruuvi thermopro govee mat"
    assert broken == ""
    assert known == "('mat', 'Example mat')"
    assert sensor == " [('weight_kg', 4.0), ('battery_percent', 88.0)] []"
    assert button == " [('weight_kg', 4.0), ('battery_percent', 88.0)] ['press']"


HOSTILE = """
class Hostile:
    def recognises(self, advert):
        return "anything" * 100

    def parse(self, advert, bind_key):
        raise RecursionError(advert)

class Nonsense(Hostile):
    def parse(self, advert, bind_key):
        return [advert, 7]

PARSER = Hostile()
NONSENSE = Nonsense()
NO_PARSER = 7
raise_later = True
"""


def test_a_package_that_fails_costs_a_refusal_and_no_more(tmp_path: Path) -> None:
    points = {
        "a-missing": "hostile:nobody",
        "b-none": "hostile:NO_PARSER",
        "bthome": "hostile:PARSER",
        "hostile": "hostile:PARSER",
        "nonsense": "hostile:NONSENSE",
    }
    target = installed(tmp_path, wheel(tmp_path, "hostile", points, HOSTILE))
    names, broken, known, sensor, button = said(target, READS.replace("FRAME", "b'x'"))
    # What is built in keeps its name.
    assert names == "bthome xiaomi ruuvi thermopro govee hostile nonsense"
    assert broken == "a-missing b-none"
    assert len(known) < 120
    assert sensor == button == "parser_failed [] []"
    (reason,) = said(
        target,
        """
        from dataclasses import replace
        from edge_frames import PLAIN_BUTTON, advert
        from zodra_edge.decode import decode

        frame = replace(advert(None), manufacturer_data={1: b"x"})
        print(decode(frame, replace(PLAIN_BUTTON, parser="nonsense")).reason)
        """,
    )
    assert reason == "parser_failed"


def test_those_built_in_are_entry_points_too() -> None:
    from zodra_edge.decode.ble.registry import BUILT_IN

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["zodra.parsers"] == BUILT_IN


def test_a_library_brings_no_client_of_a_cloud_and_is_whole_for_whoever_asks(
    tmp_path: Path,
) -> None:
    lean, read, whole = said(
        tmp_path,
        """
        import sys
        from dataclasses import replace
        from edge_frames import PLAIN_BUTTON, advert
        from zodra_edge.decode import decode

        service = "0000fe95-0000-1000-8000-00805f9b34fb"
        frame = bytes.fromhex("5020aa01da219335342d580d1004fe004802")
        heard = advert(None, address="58:2D:34:35:93:21")
        heard = replace(heard, service_data={service: frame})
        decoded = decode(heard, replace(PLAIN_BUTTON, address=heard.address))
        print(sorted({"aiohttp", "habluetooth.manager", "xiaomi_ble.cloud"} & set(sys.modules)))
        print([reading.value for reading in decoded.readings])
        import habluetooth, xiaomi_ble
        from habluetooth import BluetoothManager
        print(BluetoothManager.__name__, xiaomi_ble.XiaomiCloudTokenFetch.__name__)
        """,
    )
    assert lean == "[]"
    assert read == "[25.4, 58.4]"
    assert whole == "BluetoothManager XiaomiCloudTokenFetch"


def test_a_library_is_imported_with_the_first_frame_that_needs_it(tmp_path: Path) -> None:
    loaded, after = said(
        tmp_path,
        """
        import sys
        from dataclasses import replace
        from edge_frames import PLAIN_BUTTON, advert, vectors
        from zodra_edge.decode import decode
        from zodra_edge.decode.ble.registry import recognise

        def libraries():
            print(sorted(n for n in sys.modules if n.endswith("_ble") or n == "habluetooth"))

        for case in vectors("adverts"):
            frame = replace(
                advert(None),
                name=case["name"],
                service_data={u: bytes.fromhex(d) for u, d in case["service_data"].items()},
                manufacturer_data={
                    int(c): bytes.fromhex(d) for c, d in case["manufacturer_data"].items()
                },
            )
            recognise(frame)
        libraries()
        tag = replace(advert(None), manufacturer_data={0x0499: b"\\x05" + bytes(23)})
        decode(tag, PLAIN_BUTTON)
        libraries()
        """,
    )
    assert loaded == "[]"
    assert "ruuvitag_ble" in after
    assert "xiaomi_ble" not in after
