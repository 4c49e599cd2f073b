/**
 * A guest of each suite with each video model, on each platform that its Mir has, and with other sessions than the demo: ready,
 * with a picture, and a silent preview. Emulated boots take minutes, so it runs only with MIRLAB_TEST_LONG=1;
 * MIRLAB_TEST_SUITES, MIRLAB_TEST_VIDEOS and MIRLAB_TEST_SESSIONS choose some of each, MIRLAB_TEST_DRIFT also applies the
 * domain's mutations to a guest of each suite and video model, MIRLAB_TEST_RECORD keeps the outcome for docs/suites.md.
 */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pictureFacts, pictureFault, readPicture } from "../../components/readiness/picture";
import { SUITES, SuiteName, suitesOf } from "../../config/suites";
import { VideoModel } from "../../config/video";
import { domainMutations } from "../drift/domainMutations";
import { driftLab, driftMatrix } from "../drift/run";
import { keep } from "../suites/record";
import { TestLab } from "./support";

const long = process.env.MIRLAB_TEST_LONG === "1";
const words = (variable: string): string[] | undefined => process.env[variable]?.split(" ");
/** Ubuntu's archive is not within reach of every machine that runs the tests. */
const suites =
  (words("MIRLAB_TEST_SUITES") as SuiteName[] | undefined) ??
  suitesOf("debian").filter((name) => name !== "sid");
const videos = (words("MIRLAB_TEST_VIDEOS") as VideoModel[] | undefined) ?? ["qxl", "virtio"];
const drifts = process.env.MIRLAB_TEST_DRIFT === "1";
const pictures = process.env.MIRLAB_TEST_KEEP_OUTPUT;

interface Session {
  readonly kind: "demo" | "miriway" | "lomiri";
  readonly console?: "logind";
  readonly platform?: string;
  readonly cursor?: "software";
}
/** Sessions beside the demo on a virtual terminal, of each suite that has them; on QXL and gbm-kms. */
const SESSIONS: readonly (Session & { readonly suites: readonly SuiteName[] })[] = [
  { kind: "demo", console: "logind", cursor: "software", suites: ["bookworm", "trixie", "forky"] },
  { kind: "miriway", cursor: "software", suites: ["forky"] },
  { kind: "lomiri", suites: ["bookworm", "trixie", "forky"] },
];
const nameOf = ({ kind, console }: Session): string =>
  kind === "lomiri" ? kind : `${kind}, ${console ?? (kind === "miriway" ? "logind" : "vt")}`;
const asked = process.env.MIRLAB_TEST_SESSIONS?.split(";");

interface Outputs {
  readonly readiness: string;
  readonly screenshot: string;
  readonly acceleration: string;
  readonly versions: { readonly linux: string; readonly mesa: string; readonly mir: string };
}

/** The last errors of an `up`, one line each. */
const errorsOf = (text: string): string =>
  [...new Set(text.match(/(?<=error: |\* )(?!update failed|\d+ errors? occurred).*/g) ?? [])]
    .slice(0, 3)
    .join("; ")
    .slice(0, 300);

const guestOf = (suite: SuiteName, model: string, session: Session) => ({
  name: "g1",
  // A guest's platforms share its disk: the image has what takes the picture of virtual.
  image: { source: SUITES[suite].distribution, suite, packages: ["grim"] },
  video: { model },
  ...(session.kind === "lomiri" ? { memoryMiB: 3072 } : {}),
  session,
});

interface Run {
  readonly video: VideoModel;
  readonly session: Session;
  /** Also applies the domain's mutations. */
  readonly drift?: boolean;
}

async function isReady(lab: TestLab, suite: SuiteName, { video, session, drift }: Run) {
  lab.configure([guestOf(suite, video, session)]);
  const started = Date.now();
  const up = await lab.pulumi("up", "--yes", "--skip-preview");
  const seconds = Math.round((Date.now() - started) / 1000);
  const outputs = (up.code === 0 ? (await lab.outputs()).g1 : undefined) as Outputs | undefined;
  const { linux = "", mesa = "", mir = "" } = outputs?.versions ?? {};
  const { platform = "gbm-kms" } = session;
  const row = {
    ...{ suite, video, platform, session: nameOf(session) },
    ...{ seconds, date: new Date().toISOString().slice(0, 10) },
    outcome: outputs?.readiness ?? errorsOf(up.text),
    versions: linux === "" ? "" : `Linux ${linux}, Mesa ${mesa}, Mir ${mir}`,
    acceleration: outputs?.acceleration.replace(/:.*/, "") ?? "",
    imageBuilt: up.text.includes("image: built in"),
  };
  const record = (more: { drift?: string } = {}) => {
    console.log(`suites: ${JSON.stringify({ ...row, ...more })}`);
    if (process.env.MIRLAB_TEST_RECORD !== undefined) keep({ ...row, ...more });
  };
  record();
  assert.equal(up.code, 0, up.text);
  const screenshot = outputs?.screenshot ?? "";
  assert.ok(existsSync(screenshot));
  if (pictures !== undefined) {
    mkdirSync(pictures, { recursive: true });
    const name = [suite, video, platform, row.session.replace(", ", "-")].join("-");
    copyFileSync(screenshot, join(pictures, `${name}.png`));
  }
  assert.equal(pictureFault(pictureFacts(readPicture(readFileSync(screenshot)))), undefined);
  const quiet = await lab.pulumi("preview", "--expect-no-changes");
  assert.equal(quiet.code, 0, quiet.text);
  if (!drift) return;
  const options = { together: true, quietPreviews: 1 };
  const { tried, seen, healed, falseAlarms } = await driftMatrix(
    await driftLab(lab.stack, lab.home),
    domainMutations(video),
    options,
  );
  const counts = [`seen ${seen} of ${tried}`, `healed ${healed} of ${tried}`];
  record({ drift: [...counts, `false alarms ${falseAlarms}`].join(", ") });
  assert.deepEqual([seen, healed, falseAlarms], [tried, tried, 0]);
}

/** Guests of one lab: they share the disk, so its image has to have what each needs. */
function guestsOf(stack: string, suite: SuiteName, runs: readonly Run[]): void {
  const [first] = runs;
  if (first === undefined) return;
  const name = `a guest of ${suite}, ${nameOf(first.session)}`;
  describe(name, { skip: long ? false : "set MIRLAB_TEST_LONG=1", timeout: 14_400_000 }, () => {
    // A snapshot's lists may be older than a week.
    const lab = new TestLab({
      ...{ stack, guests: [guestOf(suite, first.video, first.session)] },
      host: { apt: { validUntil: "ignore" } },
    });
    before(() => lab.init());
    after(() => lab.dispose());
    for (const run of runs) {
      const { video, session, drift } = run;
      const what = `is ready on ${video} and ${session.platform ?? "gbm-kms"}`;
      const then = drift === true ? "its drift is seen and healed" : "its preview is silent";
      it(`${what}, and ${then}`, () => isReady(lab, suite, run));
    }
  });
}

for (const suite of suites) {
  const demo = (platform: string): Session => ({ kind: "demo", platform, cursor: "software" });
  if (asked === undefined || asked.includes("demo, vt"))
    guestsOf(
      `itest-${suite}`,
      suite,
      videos.flatMap((video) =>
        SUITES[suite].platforms.map((platform, i) => ({
          ...{ video, session: demo(platform), drift: drifts && i === 0 },
        })),
      ),
    );
  SESSIONS.forEach(({ suites: having, ...session }, i) => {
    if (having.includes(suite) && (asked === undefined || asked.includes(nameOf(session))))
      guestsOf(`itest-${suite}-${i}`, suite, [{ video: "qxl", session }]);
  });
}
