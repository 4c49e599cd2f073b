import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it, mock } from "node:test";
import { forgetLooks } from "../../../../components/guest/look.io";
import {
  GuestMesaInputs,
  GuestMesaProps,
  provider,
} from "../../../../components/build/mesa.provider";
import { BuildOrder } from "../../../../components/build/build";
import { MesaFacts } from "../../../../components/build/mesa";
import { LIMITS_S } from "../../../../core/limits";
import { identityOf } from "../../../../components/build/software";
import { FACTS, FakePrograms, fixture, ROOT, temporaryFolder } from "../../support";

process.chdir(ROOT);
mock.method(console, "log", () => undefined);
const programs = new FakePrograms();
const folder = join(temporaryFolder(), "labs", "dev", "mir");
const at = (name: string): string => join(programs.folder, name);
const [OLD, NEW] = ["22.3.6-1+deb12u1", "25.0.7-2~bpo12+1"] as const;
const IDENTITY = identityOf({ kind: "suite", suite: "bookworm-backports", name: "mesa" });
const OURS = { identity: IDENTITY, kept: false, mesa: NEW, whole: true };

const INPUTS: GuestMesaInputs = {
  guest: { config: join(folder, "ssh_config"), alias: "mirlab-dev-mir" },
  domain: "mirlab-dev-mir",
  bootId: "0f0f0f0f-0000-4000-8000-000000000000",
  acceleration: "kvm",
  serialLog: "",
  name: "mir",
  config: { source: "package", when: "unmet", package: { suite: "bookworm-backports" } },
  gates: { kernel: ">= 3.18", mesa: ">= 24.0" },
  share: true,
  onDrift: "heal",
};
const MET = { kernel: ">= 3.18", mesa: ">= 10.3.0" };

type Facts = Record<string, unknown>;

/** What a guest answers in a state: its Mesa, and the facts for the checks. */
function state(name: string, mesa: MesaFacts, gles: string, change: Facts = {}): void {
  writeFileSync(at(`${name}.mesa`), JSON.stringify({ version: 1, ...mesa }));
  const facts = JSON.parse(fixture(FACTS.ready)) as Facts & { egl: object };
  const egl = { ...facts.egl, glesVersion: `OpenGL ES 3.2 Mesa ${gles}` };
  writeFileSync(at(`${name}.facts`), JSON.stringify({ ...facts, egl, ...change }));
}

/** A guest in the state `now`; each verb of the script leads to the state of its name, if it exists. */
function guest(onVerb = ""): void {
  writeFileSync(at("now"), "start");
  programs.set(
    "ssh",
    `cd "${programs.folder}"
words=\${*: -1}
stdin=$(cat | tr -d '\\0' | head -c 400)
now=$(<now)
case $words in
  true) exit 0 ;;
  *"python3 -I -S -c"*) printf '{"mesa.py":{"code":0,"out":%s,"err":""}}' "$(node -p 'JSON.stringify(require("fs").readFileSync(0,"utf8"))' <"$now.mesa")"; exit ;;
  *"python3 -I -S -"*)
    if [[ $stdin == *"components/build/mesa.ts"* ]]; then cat "$now.mesa"; else cat "$now.facts"; fi
    exit ;;
  *mesa.sh\\ *) verb=\${words##*mesa.sh } ;;
  *) echo "unexpected: $words" >&2; exit 1 ;;
esac
echo "$verb" >>verbs
name=\${verb%% *}
${onVerb}
if [[ $name == install ]]; then echo "${NEW}"; fi
if [[ -e $name.mesa ]]; then echo "$name" >now; fi
exit 0`,
  );
  forgetLooks();
}

const verbs = (): string[] =>
  existsSync(at("verbs"))
    ? readFileSync(at("verbs"), "utf8")
        .split("\n")
        .filter((line) => line !== "")
    : [];

beforeEach(() => {
  rmSync(at("verbs"), { force: true });
  Object.assign(LIMITS_S.kvm, { ssh: 0, session: 0 });
  programs.set("virsh", `echo "running (booted)"`);
  state("start", { distro: OLD, ours: null }, "22.3.6");
  state("install", { distro: OLD, ours: OURS }, "25.0.7");
  state("try", { distro: OLD, ours: OURS }, "25.0.7");
  state("keep", { distro: OLD, ours: { ...OURS, kept: true } }, "25.0.7");
  state("restore", { distro: OLD, ours: null }, "22.3.6");
  guest();
});

async function created(change: Partial<GuestMesaInputs> = {}): Promise<GuestMesaProps> {
  return (await provider.create({ ...INPUTS, ...change })).outs as GuestMesaProps;
}

async function failure(change: Partial<GuestMesaInputs> = {}): Promise<string> {
  try {
    await created(change);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the resource was created");
}

describe("GuestMesa", () => {
  it("changes nothing if the distribution's Mesa meets the gate", async () => {
    const { status, decided, changes } = await created({ gates: MET });
    assert.deepEqual([status, decided, changes], ["as decided", null, ""]);
    assert.deepEqual(verbs(), []);
  });

  it("installs a Mesa, tries Mir with it, checks it, and only then keeps it", async () => {
    const { status, decided, changes } = await created();
    assert.deepEqual([status, decided], ["as decided", { mesa: NEW }]);
    assert.notEqual(changes, "");
    assert.deepEqual(verbs(), [
      `install suite bookworm-backports mesa ${IDENTITY}`,
      ...["try", "keep"],
    ]);
  });

  it("builds nothing for a guest of another suite than the declared one", async () => {
    const build: BuildOrder = {
      ...{ kind: "mesa", base: "softpipe", recipe: "0".repeat(64), fragments: [], patches: [] },
      ...{ source: { package: "mesa", suite: "trixie" }, libraries: "trixie" },
    };
    const config = { source: "build", when: "always", build } as const;
    state("start", { distro: OLD, ours: null, suite: "bookworm" }, "22.3.6");
    assert.match(
      await failure({ config }),
      /^mir: mesa\.build: found a bookworm guest; need trixie, .*\(nothing was built\); fix: set image\.suite/,
    );
    assert.deepEqual(verbs(), []);
  });

  it("continues where a killed run ended: installed, not yet tried", async () => {
    writeFileSync(at("start.mesa"), readFileSync(at("install.mesa")));
    assert.deepEqual((await created()).decided, { mesa: NEW });
    assert.deepEqual(verbs(), ["try", "keep"]);
  });

  it("restores the distribution's Mesa when Mir's test client fails, with the reason", async () => {
    const tests = { fresh: true, smoke: { code: 139, said: "Segmentation fault" } };
    state("try", { distro: OLD, ours: OURS }, "25.0.7", { tests });
    const message = await failure();
    assert.match(
      message,
      new RegExp(
        `^mir: Mesa ${NEW.replaceAll(/[.+]/g, "\\$&")} failed its trial: test-client: found exit code 139: Segmentation fault; need PASS`,
      ),
    );
    assert.match(
      message,
      /; the guest has the distribution's Mesa again; fix: use another mesa\.package, or lower gates\.mesa; log: \/var\/log\/mirlab-mesa\.log and \/var\/lib\/mir-session\/tests\/\*\.log in the guest$/,
    );
    assert.deepEqual(verbs().slice(1), ["try", "restore"]);
  });

  it("restores it when the old Mesa still draws", async () => {
    state("try", { distro: OLD, ours: OURS }, "22.3.6");
    assert.match(await failure(), /failed its trial: mesa: found 22\.3\.6; need >= 24\.0/);
    assert.deepEqual(verbs().slice(1), ["try", "restore"]);
  });

  it("restores it when the loader ignores the new Mesa", async () => {
    state("try", { distro: OLD, ours: OURS }, "22.3.6");
    const config = { ...INPUTS.config, when: "always" } as const;
    assert.match(
      await failure({ gates: MET, config }),
      /failed its trial: found Mesa 22\.3\.6 drawing; need the installed 25\.0\.7-2~bpo12\+1; the/,
    );
    assert.deepEqual(verbs().slice(1), ["try", "restore"]);
  });

  it("does not try a Mesa that does not meet the gate", async () => {
    const message = await failure({ gates: { ...MET, mesa: ">= 26.0" } });
    assert.match(
      message,
      /failed its trial: found \S+ in the package \(it was not tried\); need >= 26\.0; the/,
    );
    assert.deepEqual(verbs().slice(1), ["restore"]);
  });

  it("reports when the distribution's Mesa cannot be restored either", async () => {
    state("try", { distro: OLD, ours: OURS }, "22.3.6");
    guest(`if [[ $name == restore ]]; then echo "mesa: found no mirror" >&2; exit 1; fi`);
    assert.match(
      await failure(),
      /; the distribution's Mesa could not be restored \(mir: restore: mesa: found no mirror\); /,
    );
  });

  it("returns to the distribution's Mesa when the gate is lowered", async () => {
    writeFileSync(at("start.mesa"), readFileSync(at("keep.mesa")));
    const { decided, changes } = await created({ gates: MET });
    assert.equal(decided, null);
    assert.notEqual(changes, "");
    assert.deepEqual(verbs(), ["restore"]);
  });

  it("reads at every refresh, and prints the plan for the new gate", async () => {
    const props = await created({ gates: MET });
    const read = await provider.read?.("id", props);
    assert.equal((read?.props as GuestMesaProps).status, "as decided");
    const changes = async (news: GuestMesaInputs) =>
      (await provider.diff?.("id", read?.props as GuestMesaProps, news))?.changes;
    assert.equal(await changes({ ...INPUTS, gates: MET }), false);
    assert.equal(await changes(INPUTS), true);
    const printed = (console.log as unknown as ReturnType<typeof mock.fn>).mock.calls;
    assert.match(
      String(printed.at(-1)?.arguments[0]),
      /^mir: mesa 22\.3\.6-1\+deb12u1 does not meet >= 24\.0: up installs Mesa of bookworm-backports/,
    );
    programs.set("ssh", "exit 255");
    forgetLooks();
    const lost = await provider.read?.("id", props);
    assert.equal((lost?.props as GuestMesaProps).status, "unreachable");
  });
});
