import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, describe, it } from "node:test";
import { Browser, Page } from "playwright-core";
import { Evidence } from "../../components/report/evidence";
import { report } from "../../components/report/report";
import { HOSTILE, hostileEvidence, NOT_REACHED, NOT_READY, READY } from "../unit/evidence";
import { temporaryFolder } from "../unit/support";
import { contrasts, startChromium } from "./browser";

const folder = temporaryFolder();
const EVIDENCE: Readonly<Record<string, Evidence>> = {
  "a ready guest": READY,
  "a guest that is not ready": NOT_READY,
  "a guest that was not reached": NOT_REACHED,
  "a hostile guest": hostileEvidence(),
};
/** A phone and a desktop. */
const SIZES = [
  { width: 320, height: 640 },
  { width: 1280, height: 800 },
] as const;
const SCHEMES = ["light", "dark"] as const;

let browser: Browser;
before(async () => {
  browser = await startChromium();
});
after(() => browser?.close());

const fileOf = (what: string): string => join(folder, `${what.replaceAll(" ", "-")}.html`);
for (const [what, evidence] of Object.entries(EVIDENCE)) {
  writeFileSync(fileOf(what), report(evidence));
}

/** Opens a report, and records all its requests and events. */
async function open(
  what: string,
  viewport: { width: number; height: number } = SIZES[1],
  colorScheme: "light" | "dark" = "light",
): Promise<{ page: Page; requests: string[]; events: string[] }> {
  const page = await browser.newPage({ viewport, colorScheme });
  page.setDefaultTimeout(10_000);
  const requests: string[] = [];
  const events: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("dialog", (dialog) => {
    events.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("popup", () => events.push("popup"));
  page.on("pageerror", (error) => events.push(`error ${error.message}`));
  page.on("console", (message) => events.push(`console ${message.text()}`));
  await page.goto(pathToFileURL(fileOf(what)).href);
  return { page, requests, events };
}

/** Saves a picture of the page in MIRLAB_TEST_SCREENSHOTS, if set. */
async function keep(page: Page, name: string): Promise<void> {
  const wanted = process.env.MIRLAB_TEST_SCREENSHOTS;
  if (wanted === undefined) return;
  mkdirSync(wanted, { recursive: true });
  const path = join(wanted, `${name.replaceAll(" ", "-")}.png`);
  await page.screenshot({ path, fullPage: true });
}

/** Opens every folded part by a click. */
async function unfold(page: Page): Promise<void> {
  const folded = page.locator("details:not([open]) > summary");
  while ((await folded.count()) > 0) await folded.first().click();
}

for (const [what] of Object.entries(EVIDENCE)) {
  for (const size of SIZES) {
    for (const scheme of SCHEMES) {
      describe(`the report of ${what}, ${size.width} px wide, ${scheme}`, () => {
        let opened: Awaited<ReturnType<typeof open>>;
        before(async () => {
          opened = await open(what, size, scheme);
          await keep(opened.page, `${what} ${size.width} ${scheme}`);
          await unfold(opened.page);
        });
        after(() => opened.page.close());

        it("fits the screen's width, also when unfolded", async () => {
          const { page } = opened;
          const width = await page.evaluate("document.documentElement.scrollWidth");
          assert.equal(width, size.width);
        });

        it("has the colours that the reader prefers", async () => {
          const { page } = opened;
          const colour = await page.evaluate("getComputedStyle(document.body).backgroundColor");
          assert.equal(colour, scheme === "dark" ? "rgb(20, 22, 25)" : "rgb(246, 245, 242)");
        });

        it("has a contrast of at least 4.5 for every text", async () => {
          const seen = await opened.page.evaluate(contrasts);
          assert.ok(seen.length > 20, `${seen.length} texts are visible`);
          assert.deepEqual(
            seen.filter((s) => s.contrast < 4.5),
            [],
          );
        });

        it("requests only itself, and runs nothing", () => {
          const { requests, events } = opened;
          assert.deepEqual(
            requests.filter((url) => !url.startsWith("data:image/png;base64,")),
            [pathToFileURL(fileOf(what)).href],
          );
          assert.deepEqual(events.slice(0, 3), []);
        });
      });
    }
  }
}

describe("the report, opened", () => {
  it("shows found, need and fix without a click", async () => {
    const { page } = await open("a guest that is not ready", SIZES[0]);
    const card = page.locator(".fix", { hasText: "mesa" }).first();
    for (const text of [
      "10.1.3",
      ">= 10.3.0",
      "install a newer Mesa by guests[].mesa (docs/builds.md), or lower guests[].gates.mesa",
      "docs/checks.md#mesa",
    ]) {
      assert.ok(await card.getByText(text, { exact: true }).isVisible(), text);
    }
    const verdict = page.locator(".verdict");
    assert.match(await verdict.innerText(), /^Not ready: 7 of 10 checks met, 1 warning\n/);
    const box = await verdict.boundingBox();
    assert.ok(box !== null && box.y + box.height < SIZES[0].height, "the verdict is on one screen");
    await page.close();
  });

  it("shows the picture, whole and large", async () => {
    for (const size of SIZES) {
      const { page } = await open("a ready guest", size);
      const image = page.locator("figure img");
      await image.scrollIntoViewIfNeeded();
      const natural = await image.evaluate(
        (e) => (e as unknown as { naturalWidth: number }).naturalWidth,
      );
      assert.equal(natural, 1024);
      const box = await image.boundingBox();
      assert.ok(
        box !== null && box.width > 0.8 * Math.min(size.width, 58 * 16),
        `${box?.width} px`,
      );
      assert.equal(await image.getAttribute("alt"), "Screen of the guest");
      await page.close();
    }
  });

  it("unfolds by a click and by the keyboard", async () => {
    const { page } = await open("a ready guest");
    const facts = page.locator("details", { hasText: "Facts" });
    const value = facts.getByText("kms_swrast", { exact: true });
    assert.equal(await value.isVisible(), false);
    await facts.locator("summary").click();
    assert.equal(await value.isVisible(), true);
    const serial = page.locator("details", { hasText: "Serial console" });
    assert.equal(await serial.locator("pre").isVisible(), false);
    await page.keyboard.press("Tab");
    await serial.locator("summary").focus();
    await page.keyboard.press("Enter");
    assert.equal(await serial.locator("pre").isVisible(), true);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate("document.activeElement.className"), "scroll");
    await page.close();
  });

  it("starts a log at its end", async () => {
    const { page } = await open("a guest that was not reached");
    const [text, box] = [
      await page.locator(".scroll pre").boundingBox(),
      await page.locator(".scroll").boundingBox(),
    ];
    assert.ok(text !== null && box !== null);
    assert.ok(text.y < box.y, "its first line is scrolled away");
    assert.ok(text.y + text.height <= box.y + box.height + 1, "its last line is in the box");
    await page.close();
  });

  it("has a structure for screen readers", async () => {
    const { page } = await open("a guest that is not ready");
    assert.equal(await page.locator("html").getAttribute("lang"), "en");
    const levels = await page
      .locator("h1, h2, h3, h4")
      .evaluateAll((all) =>
        all.map((e) => Number((e as unknown as { tagName: string }).tagName.slice(1))),
      );
    assert.equal(levels.filter((level) => level === 1).length, 1);
    levels.reduce((before, level) => {
      assert.ok(level <= before + 1, `h${level} follows h${before}`);
      return level;
    }, 0);
    for (const badge of await page.locator(".badge").all()) {
      assert.match(await badge.innerText(), /^(met|unmet|unknown|warning|skipped)$/);
    }
    await page.close();
  });

  it("prints the folded parts too", async () => {
    const { page } = await open("a ready guest");
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.getByText("kms_swrast", { exact: true }).isVisible(), true);
    assert.ok((await page.pdf()).length > 10_000);
    await page.close();
  });
});

describe("the report of a hostile guest", () => {
  it("shows its words as text: nothing runs, and they create no element", async () => {
    const { page, events } = await open("a hostile guest");
    await unfold(page);
    await page.mouse.move(300, 300);
    await page.keyboard.press("Tab");
    await page.waitForTimeout(300);
    assert.equal(await page.evaluate("typeof window.pwned"), "undefined");
    assert.deepEqual(events.slice(0, 3), []);
    const created = await page
      .locator("script, iframe, object, embed, form, input, a, link, base, img:not(figure img)")
      .count();
    assert.equal(created, 0);
    assert.equal(await page.locator("style").count(), 1);
    const text = await page.locator("body").innerText();
    for (const sign of ["<script>window.pwned=1</script>", "</style>", "<U+202E>"]) {
      assert.ok(text.includes(sign), `${sign} is shown`);
    }
    assert.ok(HOSTILE.length > 5);
    await page.close();
  });

  it("keeps the page small", () => {
    assert.ok(report(hostileEvidence()).length < 1_500_000);
  });
});
