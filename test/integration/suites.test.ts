/**
 * A guest of each suite with each video model, on each platform that its Mir has: ready, with a picture, and a silent
 * preview. Emulated boots take minutes, so it runs only with MIRLAB_TEST_LONG=1; MIRLAB_TEST_SUITES and
 * MIRLAB_TEST_VIDEOS name some suites and models, MIRLAB_TEST_RECORD keeps the outcome for docs/suites.md.
 */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pictureFacts, pictureFault, readPicture } from "../../components/readiness/picture";
import { SUITES, SuiteName, suitesOf } from "../../config/suites";
import { keep } from "../suites/record";
import { TestLab } from "./support";

const long = process.env.MIRLAB_TEST_LONG === "1";
const asked = process.env.MIRLAB_TEST_SUITES?.split(" ") as SuiteName[] | undefined;
/** Ubuntu's archive is not within reach of every machine that runs the tests. */
const suites: readonly SuiteName[] = asked ?? suitesOf("debian").filter((name) => name !== "sid");
const videos = process.env.MIRLAB_TEST_VIDEOS?.split(" ") ?? ["qxl", "virtio"];
const pictures = process.env.MIRLAB_TEST_KEEP_OUTPUT;

interface Outputs {
  readonly readiness: string;
  readonly screenshot: string;
  readonly acceleration: string;
  readonly versions: { readonly linux: string; readonly mesa: string; readonly mir: string };
}

/** The last errors of an `up`, one line each. */
const errorsOf = (text: string): string =>
  [...new Set(text.match(/(?<=error: )(?!update failed).*/g) ?? [])]
    .slice(0, 3)
    .join("; ")
    .slice(0, 300);

for (const suite of suites)
  describe(`a guest of ${suite}`, { skip: long ? false : "set MIRLAB_TEST_LONG=1" }, () => {
    const { distribution, platforms } = SUITES[suite];
    const guest = (model: string, platform: string) => ({
      ...{ name: "g1", image: { source: distribution, suite }, video: { model } },
      session: { platform, cursor: "software" },
    });
    // A snapshot's lists may be older than a week.
    const lab = new TestLab({
      ...{ stack: `itest-${suite}`, guests: [guest("qxl", "gbm-kms")] },
      host: { apt: { validUntil: "ignore" } },
    });
    before(async () => {
      await lab.init();
    });
    after(async () => {
      await lab.dispose();
    });

    const runs = videos.flatMap((video) => platforms.map((platform) => ({ video, platform })));
    for (const { video, platform } of runs)
      it(`is ready on ${video} and ${platform}, and its preview is silent`, async () => {
        lab.configure([guest(video, platform)]);
        const started = Date.now();
        const up = await lab.pulumi("up", "--yes", "--skip-preview");
        const seconds = Math.round((Date.now() - started) / 1000);
        const outputs = (up.code === 0 ? (await lab.outputs()).g1 : undefined) as
          Outputs | undefined;
        const { linux = "", mesa = "", mir = "" } = outputs?.versions ?? {};
        const row = {
          ...{ suite, video, platform, seconds, date: new Date().toISOString().slice(0, 10) },
          outcome: outputs?.readiness ?? errorsOf(up.text),
          versions: linux === "" ? "" : `Linux ${linux}, Mesa ${mesa}, Mir ${mir}`,
          acceleration: outputs?.acceleration.replace(/:.*/, "") ?? "",
          imageBuilt: up.text.includes("image: built in"),
        };
        console.log(`suites: ${JSON.stringify(row)}`);
        if (process.env.MIRLAB_TEST_RECORD !== undefined) keep(row);
        assert.equal(up.code, 0, up.text);
        const screenshot = outputs?.screenshot ?? "";
        assert.ok(existsSync(screenshot));
        if (pictures !== undefined) {
          mkdirSync(pictures, { recursive: true });
          copyFileSync(screenshot, join(pictures, `${suite}-${video}-${platform}.png`));
        }
        assert.equal(pictureFault(pictureFacts(readPicture(readFileSync(screenshot)))), undefined);
        const quiet = await lab.pulumi("preview", "--expect-no-changes");
        assert.equal(quiet.code, 0, quiet.text);
      });
  });
