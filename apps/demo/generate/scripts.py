"""What runs in the browser alone."""

from anime_models.latents import LARGEST_SEED
from apps.demo.generate.laboratory import MAX_DIRECTIONS
from apps.demo.generate.points import SLIDER_SEEDS

# The number field holds the seed. Slider, field and buttons move each other without asking the server; the empty text
# is the start, which gives way to the seed.
FROM_SLIDER = "(seed) => [seed, '']"
FROM_NUMBER = f"(seed) => [Math.min(seed ?? 0, {SLIDER_SEEDS}), '']"
RANDOM = f"() => {{ const seed = Math.floor(Math.random() * {SLIDER_SEEDS + 1}); return [seed, seed, '']; }}"
# Whoever moves several fields at once wants one face: Gradio would ask for several before it knows that one is under
# way, and show the one that comes last.
GATHER = """async (...fields) => {
    const changes = (window.fieldChanges = (window.fieldChanges ?? 0) + 1);
    await new Promise((done) => setTimeout(done));
    if (window.fieldChanges === changes) return JSON.stringify(fields);
}"""
RESET = f"() => Array({MAX_DIRECTIONS}).fill(0)"

# What the page is to open on.
READ_ADDRESS = "() => window.location.search"

# The address of the page always leads back to the face on it; what else stands in it stays.
SHOW_LINK = """(query) => {
    const address = new URL(window.location.href);
    address.searchParams.delete("model");
    new URLSearchParams(query).forEach((value, name) => address.searchParams.set(name, value));
    window.history.replaceState(window.history.state, "", address);
    return address.href;
}"""

# What follows the face waits until it has rested for a moment, so that the face itself stays quick.
FOLLOW = """async () => {
    const moves = (window.faceMoves = (window.faceMoves ?? 0) + 1);
    await new Promise((done) => setTimeout(done, 250));
    if (window.faceMoves === moves) return `${performance.now()}`;
}"""

# Clicks in a list of faces become events that carry what the button says.
TILE_EVENTS = """element.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.go) trigger("select", { go: button.dataset.go });
    if (button?.dataset.remove) trigger("delete", { remove: Number(button.dataset.remove) });
});"""

# A file that the server packed, as `as_parcel` says it.
SAVE_PARCEL = """(parcel) => {
    if (!parcel) return;
    const { uri, name } = JSON.parse(parcel);
    const link = document.createElement("a");
    link.href = uri;
    link.download = name;
    link.click();
}"""

COPY_LINK = """async (link) => {
    const copied = await navigator.clipboard?.writeText(link).then(() => true, () => false);
    return copied ? "Link copied." : "This browser does not let the page copy. Select the link and copy it.";
}"""


def show_tab_script(name: str, first: bool) -> str:
    """Put the tab that is open into the address; that the first one is selected as the page appears does not count."""
    appears = "if (!window.pageAppeared) { window.pageAppeared = true; return; }" if first else ""
    return f"""() => {{
        {appears}
        const address = new URL(window.location.href);
        address.searchParams.set("tab", "{name}");
        window.history.replaceState(window.history.state, "", address);
    }}"""


def step_script(step: int) -> str:
    """From the seed in the number field to the one that many steps on; after the last comes the first."""
    count = LARGEST_SEED + 1
    return (
        f"(old) => {{ const seed = ((old ?? 0) + {step} + {count}) % {count}; "
        f"return [seed, Math.min(seed, {SLIDER_SEEDS}), '']; }}"
    )
