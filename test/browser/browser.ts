/** Real Chromium for a test: headless, and without a network. */
import { existsSync } from "node:fs";
import { Browser, chromium } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";

export function startChromium(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) {
    throw new Error(
      `browser: found no ${CHROMIUM}; need it for the tests of the report; fix: scripts/host/packages.sh install chromium`,
    );
  }
  // Root gets no user namespace for the sandbox; the pages are our own, and the network is off.
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [...asRoot, "--host-resolver-rules=MAP * ~NOTFOUND"],
  });
}

/** The few DOM types that the function below uses. */
interface PageElement {
  readonly parentElement: PageElement | null;
  checkVisibility(): boolean;
}
interface PageText {
  readonly nodeValue: string | null;
  readonly parentElement: PageElement | null;
}
declare const document: {
  readonly body: PageElement;
  createTreeWalker(root: PageElement, what: number): { nextNode(): PageText | null };
};
declare function getComputedStyle(element: PageElement): {
  readonly color: string;
  readonly backgroundColor: string;
};

/** A visible text, and the contrast to its background. */
export interface Seen {
  readonly text: string;
  readonly contrast: number;
}

/**
 * Runs in the page, so it may use nothing outside itself: contrast (WCAG 2) of every visible text,
 * lowest first. The background is that of the nearest ancestor with one; the page uses no
 * half-transparent ones.
 */
export function contrasts(): Seen[] {
  const channels = (colour: string): number[] => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: string): number => {
    const [r = 0, g = 0, b = 0] = channels(colour).map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (start: PageElement): string => {
    for (let at: PageElement | null = start; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (channels(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const seen: Seen[] = [];
  const SHOW_TEXT = 4;
  const walker = document.createTreeWalker(document.body, SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    const text = (node.nodeValue ?? "").trim();
    if (element === null || text === "" || !element.checkVisibility()) continue;
    const [a, b] = [luminance(getComputedStyle(element).color), luminance(behind(element))];
    seen.push({ text, contrast: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) });
  }
  return seen.sort((a, b) => a.contrast - b.contrast);
}
