#!/usr/bin/env python3
"""Uses the page of srdiff-serve in headless Chromium as a person would, and checks that no error reaches the console.

  Tests/browser.py SRDIFF-SERVE SRDIFF-UPSCALE [--screenshots FOLDER]

Needs Debian's chromium, chromium-driver and python3-selenium.
"""
import argparse, json, pathlib, subprocess, sys, tempfile, time, urllib.request

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.service import Service as Driver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from service import Service, noise

MODELS = pathlib.Path(__file__).resolve().parents[3] / "Models"


class Page:
    def __init__(self, service, screenshots):
        options = webdriver.ChromeOptions()
        for argument in (
                "--headless=new", "--no-sandbox", "--disable-gpu", "--force-device-scale-factor=1",
                "--hide-scrollbars"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Driver("/usr/bin/chromedriver"))
        self.service, self.screenshots = service, screenshots
        self.expected = []

    def open(self, width=1100, height=800):
        self.size(width, height)
        self.driver.get(self.service.url)
        self.wait(lambda: "PNG" in self.one("#formats").text, "the list of formats")

    def size(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def media(self, **features):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]})

    def one(self, selector): return self.driver.find_element(By.CSS_SELECTOR, selector)
    def all(self, selector): return self.driver.find_elements(By.CSS_SELECTOR, selector)
    def js(self, script, *arguments): return self.driver.execute_script(script, *arguments)

    def wait(self, condition, what, seconds=90):
        try:
            WebDriverWait(self.driver, seconds, 0.1, [StaleElementReferenceException]).until(lambda _: condition())
        except TimeoutException:
            self.shot("failed")
            raise SystemExit(f"browser: waited {seconds} s for {what}\n{self.driver.get_log('browser')}")

    def shot(self, name):
        if self.screenshots: self.driver.save_screenshot(str(self.screenshots / f"{name}.png"))

    def upload(self, *paths):
        self.one("#file").send_keys("\n".join(map(str, paths)))

    def cards(self, state):
        texts = {"done": "→", "running": "Computing", "queued": "In the queue"}
        return [c for c in self.all(".job") if texts[state] in c.find_element(By.CSS_SELECTOR, ".hint").text]

    def press(self, card, label):
        for button in card.find_elements(By.CSS_SELECTOR, ".buttons > *"):
            if button.text == label: return button.click()
        raise SystemExit(f"browser: no button {label} in {card.text}")

    def console(self):
        """What the console holds beyond the failed requests that the test provokes."""
        entries = [e for e in self.driver.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]
        return [e["message"] for e in entries if not any(text in e["message"] for text in self.expected)]


def check(is_well, what):
    if not is_well: raise SystemExit(f"browser: {what}")


def fits(page, what):
    """Nothing sticks out to the right."""
    width = page.js("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    check(width[0] <= width[1], f"{what}: the page is {width[0]} wide in {width[1]}")


def contrast(page):
    """WCAG's contrast of the texts that are shown, at least 4.5."""
    return page.js("""
        const value = text => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return { r, g, b, a }; };
        const light = c => { const f = v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
            return .2126 * f(c.r) + .7152 * f(c.g) + .0722 * f(c.b); };
        const back = e => { for (; e; e = e.parentElement) {
                const c = value(getComputedStyle(e).backgroundColor);
                if (c.a > .99) return c;
            }
            return { r: 255, g: 255, b: 255 }; };
        return [...document.querySelectorAll('h1,h2,h3,p,label,button,a,summary,output')]
            .filter(e => e.offsetParent && e.textContent.trim())
            .map(e => {
                const a = light(value(getComputedStyle(e).color)), b = light(back(e));
                const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
                return [ratio, e.tagName + ' ' + e.textContent.trim().slice(0, 30)];
            })
            .filter(([ratio, text]) => ratio < 4.5);""")


def labels(page):
    """Every control has a name for screen readers."""
    return page.js("""
        return [...document.querySelectorAll('button,a,input:not([hidden]),select,[role=slider],img')]
            .filter(e => e.offsetParent)
            .filter(e => !(e.ariaLabel || e.textContent.trim() || e.labels?.length || e.ariaHidden
                || e.closest('[aria-hidden]') || e.alt !== undefined))
            .map(e => e.outerHTML.slice(0, 80));""")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("serve")
    parser.add_argument("upscale")
    parser.add_argument("--screenshots", type=pathlib.Path)
    options = parser.parse_args()
    if options.screenshots: options.screenshots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Service(options.serve) as service:
        folder = pathlib.Path(folder)
        page = Page(service, options.screenshots)
        try:
            use(page, folder, options.upscale)
        finally:
            page.driver.quit()
    print(
        "The page works: upload, progress, result, slider, zoom, another version, cancel, wrong file, dark "
        "mode, 320 px; no console error.")


def use(page, folder, upscale):
    page.open()
    page.shot("1-empty")
    check(not labels(page), f"controls without a name: {labels(page)}")
    check(not contrast(page), f"light: too little contrast: {contrast(page)}")

    # Upload, progress, result.
    page.upload(MODELS / "sample.png")
    page.wait(lambda: page.cards("running") or page.cards("done"), "the job to start")
    page.wait(lambda: page.cards("done"), "the result")
    page.shot("2-result")
    job = page.service.json("/api/v1/jobs")["jobs"][0]
    expected = folder / "expected.png"
    subprocess.run([upscale, MODELS / "sample.png", "-o", expected, "--quiet"], check=True)
    check(
        page.service.bytes(job["results"][0]["url"]) == expected.read_bytes(),
        "the page's result is not srdiff-upscale's")
    # The browser itself gets the same bytes.
    size = page.driver.execute_async_script(
        "const done = arguments[1]; fetch(arguments[0]).then(r => r.arrayBuffer()).then(b => done(b.byteLength))",
        job["results"][0]["url"])
    check(size == expected.stat().st_size, "the browser gets another result")

    # Slider and zoom, by keyboard and pointer.
    page.press(page.cards("done")[0], "Compare")
    page.wait(
        lambda: page.js("return document.querySelector('#pane-right img').naturalWidth") == 512,
        "the result in the viewer")
    page.shot("3-viewer")
    divider = page.one("#divider")
    divider.send_keys(Keys.ARROW_RIGHT * 5)
    check(divider.get_attribute("aria-valuenow") == "60", "the slider does not follow the arrow keys")
    check(
        "60%" in page.js("return document.querySelector('#pane-right').style.clipPath"),
        "the slider does not move the border")
    stage = page.one("#stage")
    stage.send_keys("1")
    check(page.one("#zoom-value").text == "100 %", "1 does not show single pixels")
    for _ in range(5): page.one("#zoom-in").click()
    check(page.one("#zoom-value").text == "3200 %", f"zoom ends at {page.one('#zoom-value').text}")
    same = page.js("return [...document.querySelectorAll('.pane img')].map(i => i.style.transform)")
    check(same[0] == same[1], "left and right show different parts")
    check(
        page.js("return getComputedStyle(document.querySelector('#pane-right img')).imageRendering") == "pixelated",
        "pixels are blurred")
    page.shot("4-pixels")
    page.js("document.querySelector('input[value=side]').click()")
    page.one("#zoom-fit").click()
    page.shot("5-side")
    check(not labels(page), f"viewer: controls without a name: {labels(page)}")

    # Another version of the same image, compared with the first.
    page.one("#again summary").click()
    Select(page.one("#again-model")).select_by_value("photo")
    page.one("#again-form button").click()
    page.wait(lambda: "The new version" in page.one("#viewer-status").text, "the other version")
    check("photo" in Select(page.one("#right")).first_selected_option.text, "the other version is not shown")
    check("edge" in Select(page.one("#left")).first_selected_option.text, "the first version is not shown beside it")
    page.wait(
        lambda: page.js(
            "return document.querySelector('#pane-left img').complete && "
            "document.querySelector('#pane-right img').complete"),
        "both")
    page.shot("6-versions")
    page.one("#viewer-close").click()

    # A wrong file, and cancelling a queued and a running job.
    (folder / "letter.jpg").write_text("Dear reader")
    large = noise(folder / "large.ppm", 700, 500)
    page.expected += ["415", "api/v1/jobs"]
    page.upload(folder / "letter.jpg")
    page.wait(lambda: page.all(".error:not([hidden])"), "the message about a wrong file")
    check(
        "not an image" in page.one(".error:not([hidden])").text.lower(),
        f"the message is {page.one('.error:not([hidden])').text}")
    page.upload(large, noise(folder / "second.ppm", 64, 64))
    page.wait(lambda: page.cards("running") and page.cards("queued"), "one job running and one in the queue")
    page.shot("7-queue")
    page.press(page.cards("queued")[0], "Cancel")
    page.wait(lambda: not page.cards("queued"), "the queued job to go")
    page.press(page.cards("running")[0], "Cancel")
    page.wait(lambda: not page.cards("running"), "the running job to go")
    page.wait(lambda: 'state="running"} 0' in page.service.text("/metrics"), "the computation to end")
    states = [j["state"] for j in page.service.json("/api/v1/jobs")["jobs"]]
    check(states == ["done", "done"], f"after cancelling: {states}")

    # Dark, and narrow.
    page.media(prefers_color_scheme="dark")
    page.shot("8-dark")
    check(not contrast(page), f"dark: too little contrast: {contrast(page)}")
    page.open(320, 640)
    page.wait(lambda: len(page.cards("done")) == 2, "the results after loading again")
    fits(page, "320 px")
    page.one("#options summary").click()
    fits(page, "320 px with options")
    page.shot("9-narrow-options")
    page.one("#options summary").click()
    page.shot("10-narrow")
    page.press(page.cards("done")[0], "Compare")
    page.wait(
        lambda: page.js("return document.querySelector('#pane-right img').naturalWidth") == 512,
        "the result in the narrow viewer")
    page.shot("11-narrow-viewer")
    fits(page, "320 px viewer")
    stage = page.js(
        "const b = document.querySelector('#stage').getBoundingClientRect(); return [b.top, b.bottom, b.height]")
    check(stage[1] <= 640 and stage[2] >= 160, f"320 px: the images take {stage}")
    page.one("#viewer-close").click()
    small = page.js(
        "return [...document.querySelectorAll('button,.button,summary,select')]"
        ".filter(e => e.offsetParent && !e.matches('.thumb'))"
        ".map(e => [e.textContent, e.getBoundingClientRect().height]).filter(([t, h]) => h < 43)")
    check(not small, f"controls too small for a finger: {small}")
    page.media(prefers_color_scheme="light")
    messages = page.console()
    check(not messages, "console:\n" + "\n".join(messages))


if __name__ == "__main__":
    main()
