"""Granting a consent, on the page and by its own control."""

from zodra_sim.demo.person.browser import Browser, PageError


async def grant(browser: Browser, purpose: str) -> bool:
    """Switch one consent on.

    Returns:
        False if it was on already.

    Raises:
        PageError: the page cannot be had, or does not ask for this consent.
    """
    page = await browser.open("/")
    forms = page.forms_to(f"/consents/{purpose}")
    if not forms:
        raise PageError(f"the page does not ask for consent to {purpose}")
    if ("granted", "true") not in forms[0].buttons:
        return False
    await browser.submit(page, forms[0], press="true")
    return True
