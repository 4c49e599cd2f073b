import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it, mock } from "node:test";
import {
  GuestKernelInputs,
  GuestKernelProps,
  provider,
} from "../../../../components/build/kernel.provider";
import { forgetLooks } from "../../../../components/guest/look.io";
import { BuildOrder, BuildPlace } from "../../../../components/build/build";
import { KernelFacts } from "../../../../components/build/kernel";
import { LIMITS_S, STALL_S } from "../../../../core/limits";
import { identityOf } from "../../../../components/build/software";
import { FACTS, FakePrograms, fixture, ROOT, temporaryFolder } from "../../support";

process.chdir(ROOT);
mock.method(console, "log", () => undefined);
const programs = new FakePrograms();
const folder = join(temporaryFolder(), "labs", "dev", "mir");
const at = (name: string): string => join(programs.folder, name);
const [OLD, NEW] = ["6.1.0-56-amd64", "6.12.9+deb12-amd64"] as const;
const ORIGIN = { kind: "suite", suite: "bookworm-backports", name: "linux-image-amd64" } as const;
const OURS = { release: NEW, identity: identityOf(ORIGIN), foreign: false };

const INPUTS: GuestKernelInputs = {
  guest: { config: join(folder, "ssh_config"), alias: "mirlab-dev-mir" },
  domain: "mirlab-dev-mir",
  bootId: "0f0f0f0f-0000-4000-8000-000000000000",
  acceleration: "kvm",
  serialLog: "",
  name: "mir",
  config: { source: "package", when: "unmet", package: { suite: "bookworm-backports" } },
  gates: { kernel: ">= 6.12", mesa: ">= 10.3.0" },
  share: true,
  onDrift: "heal",
};

const BOOT = (n: number): string => `0f0f0f0f-0000-4000-8000-00000000000${n}`;

interface Answers {
  readonly boot?: number;
  readonly facts?: Partial<KernelFacts>;
}

/** What a guest answers in a state: its kernels, its boot, and the facts for the checks. */
function state(name: string, { boot = 1, facts = {} }: Answers): void {
  const kernels = {
    ...{ version: 2, basis: null, running: OLD, bootId: BOOT(boot), installed: [OLD] },
    ...{ ours: [], saved: null, pinned: false, ...facts },
  };
  writeFileSync(at(`${name}.kernel`), JSON.stringify(kernels));
  writeFileSync(at(`${name}.boot`), `${BOOT(boot)}\n${kernels.running}\n`);
  const all = JSON.parse(fixture(FACTS.ready)) as { kernel: object };
  all.kernel = { ...all.kernel, running: kernels.running };
  writeFileSync(at(`${name}.facts`), JSON.stringify(all));
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
  "cat /proc/"*) cat "$now.boot"; exit ;;
  *"python3 -I -S -c"*) printf '{"kernel.py":{"code":0,"out":%s,"err":""}}' "$(node -p 'JSON.stringify(require("fs").readFileSync(0,"utf8"))' <"$now.kernel")"; exit ;;
  *"python3 -I -S -"*)
    if [[ $stdin == *"components/build/kernel.ts"* ]]; then cat "$now.kernel"; else cat "$now.facts"; fi
    exit ;;
  *"bash -s -- reboot") verb=reboot ;;
  *kernel.sh\\ *) verb=\${words##*kernel.sh } ;;
  *) echo "unexpected: $words" >&2; exit 1 ;;
esac
echo "$verb" >>verbs
name=\${verb%% *}
${onVerb}
if [[ $name == install ]]; then echo "${NEW}"; fi
if [[ -e $name.kernel ]]; then echo "$name" >now; fi
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
  for (const name of ["start", "install", "reboot", "keep", "back", "restore"]) {
    rmSync(at(`${name}.kernel`), { force: true });
  }
  rmSync(at("verbs"), { force: true });
  Object.assign(LIMITS_S.kvm, { ssh: 0, session: 0 });
  Object.assign(STALL_S.kvm, { ssh: 60, session: 60 });
  state("start", {});
  const installed = { installed: [NEW, OLD], ours: [OURS], saved: OLD, pinned: true };
  state("install", { facts: installed });
  state("reboot", { boot: 2, facts: { ...installed, running: NEW } });
  state("keep", { boot: 2, facts: { ...installed, running: NEW, saved: NEW } });
  programs.set(
    "virsh",
    `echo "$*" >>"${at("verbs")}"
case "$*" in
  *domstate*) sed -i '$d' "${at("verbs")}"; echo "running (booted)" ;;
  *reset*) echo "start" >"${at("now")}" ;;
  *) sed -i '$d' "${at("verbs")}"; echo "block.0.rd.reqs=1" ;;
esac`,
  );
  guest();
});

async function created(change: Partial<GuestKernelInputs> = {}): Promise<GuestKernelProps> {
  return (await provider.create({ ...INPUTS, ...change })).outs as GuestKernelProps;
}

async function failure(change: Partial<GuestKernelInputs> = {}): Promise<string> {
  try {
    await created(change);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the resource was created");
}

const firstWords = (): string[] => verbs().map((line) => line.split(" ").slice(0, 2).join(" "));

describe("GuestKernel", () => {
  it("changes nothing if the distribution's kernel meets the gate", async () => {
    const { status, decided, boots } = await created({
      gates: { kernel: ">= 6.1", mesa: ">= 10.3.0" },
    });
    assert.deepEqual([status, decided, boots], ["as decided", null, ""]);
    assert.deepEqual(verbs(), []);
  });

  it("installs a kernel, boots it once, checks it, and only then makes it the default", async () => {
    const { status, decided, boots } = await created();
    assert.deepEqual([status, decided], ["as decided", { release: NEW, pinned: true }]);
    assert.equal(boots, BOOT(2));
    assert.deepEqual(verbs(), [
      `install suite bookworm-backports linux-image-amd64 ${OURS.identity}`,
      `trial ${NEW} EXT4_FS VIRTIO_PCI VIRTIO_BLK VIRTIO_NET DRM_QXL DEVTMPFS CGROUPS USB_XHCI_HCD USB_HID NET_9P_VIRTIO 9P_FS`,
      "reboot",
      `keep ${NEW}`,
    ]);
  });

  it("continues where a killed run ended: booted, not yet the default", async () => {
    writeFileSync(at("start.kernel"), readFileSync(at("reboot.kernel")));
    writeFileSync(at("start.facts"), readFileSync(at("reboot.facts")));
    await created();
    assert.deepEqual(firstWords(), [`keep ${NEW}`]);
  });

  it("removes a kernel if the old one runs after its boot, with the reason", async () => {
    state("reboot", { boot: 3, facts: { installed: [NEW, OLD], ours: [OURS], pinned: true } });
    const message = await failure();
    assert.match(
      message,
      /^mir: kernel 6\.12\.9\+deb12-amd64 failed its trial boot: found 6\.1\.0-56-amd64 running after the boot of 6\.12\.9\+deb12-amd64; need a boot that passes the boot and graphics checks; the guest runs 6\.1\.0-56-amd64 again, 6\.12\.9\+deb12-amd64 was removed; fix: use another kernel\.package, or lower gates\.kernel$/,
    );
    assert.deepEqual(firstWords().slice(1), [`trial ${NEW}`, "reboot", `back ${NEW}`]);
  });

  it("names the panic of a guest that has reset itself by then, and not a panic of an earlier boot", async () => {
    const serialLog = at("serial.log");
    const [earlier, panic] = [
      "Kernel panic - not syncing: earlier",
      "Kernel panic - not syncing: VFS",
    ];
    const login = Array.from({ length: 99 }, (_, n) => `cloud-init: line ${n}`).join("\n");
    const before = `${earlier}\n${login}\nDebian GNU/Linux 12 mir ttyS0\n`;
    writeFileSync(serialLog, before);
    state("reboot", { boot: 3, facts: { installed: [NEW, OLD], ours: [OURS], pinned: true } });
    guest(
      `if [[ $name == reboot ]]; then printf '%s\\n' "[ 2.3] ${panic}" "${login}" >>'${serialLog}'; fi`,
    );
    const message = await failure({ serialLog });
    assert.match(
      message,
      /failed its trial boot: found a kernel panic: Kernel panic - not syncing: VFS;/,
    );
    assert.match(
      message,
      /last lines of \S+serial\.log:\n\[ 2\.3\] Kernel panic - not syncing: VFS\n/,
    );
    assert.doesNotMatch(message, /earlier/);

    writeFileSync(serialLog, before);
    guest(`if [[ $name == reboot ]]; then echo "mir login:" >>'${serialLog}'; fi`);
    assert.match(await failure({ serialLog }), /found 6\.1\.0-56-amd64 running after the boot of/);
  });

  it("reboots out of a kernel that does not meet the checks", async () => {
    const facts = JSON.parse(fixture(FACTS.ready)) as { kernel: object; drm: unknown };
    facts.kernel = { ...facts.kernel, running: NEW };
    writeFileSync(at("reboot.facts"), JSON.stringify({ ...facts, drm: [] }));
    guest(`if [[ $name == reboot && $now == reboot ]]; then echo back-again >now; exit 0; fi`);
    state("back-again", { boot: 3 });
    assert.match(await failure(), /found drm: found no card; need qxl bound/);
    assert.deepEqual(firstWords().slice(1), [`trial ${NEW}`, "reboot", "reboot", `back ${NEW}`]);
  });

  it("resets a guest that does not come back", async () => {
    guest(`if [[ $name == reboot ]]; then echo hung >now; exit 0; fi`);
    state("start", { boot: 4 });
    state("install", { boot: 1, facts: { installed: [NEW, OLD], ours: [OURS], pinned: true } });
    const message = await failure();
    assert.match(message, /failed its trial boot: found not in time: mirlab-dev-mir: boot of/);
    const reset = verbs().filter((line) => line.includes("reset"));
    assert.deepEqual(reset, ["--quiet --connect qemu:///system reset --domain mirlab-dev-mir"]);
    assert.equal(firstWords().at(-1), `back ${NEW}`);
  });

  it("does not boot a kernel that does not meet the gate", async () => {
    const message = await failure({ gates: { kernel: ">= 6.13", mesa: ">= 10.3.0" } });
    assert.match(
      message,
      /^mir: kernel: found 6\.12\.9\+deb12-amd64 in the package \(it was not booted\); need >= 6\.13; fix: use another kernel\.package/,
    );
    assert.deepEqual(firstWords(), ["install suite", `back ${NEW}`]);
  });

  it("removes a kernel without the needed symbols before a boot", async () => {
    guest(
      `if [[ $name == trial ]]; then echo "kernel: found kernel ${NEW} without CONFIG_DRM_QXL" >&2; exit 1; fi`,
    );
    assert.equal(
      await failure(),
      `mir: kernel ${NEW}: kernel: found kernel ${NEW} without CONFIG_DRM_QXL\nkernel ${NEW} was not booted, and was removed`,
    );
    assert.deepEqual(firstWords().slice(1), [`trial ${NEW}`, `back ${NEW}`]);
  });

  it("sends a package file only if it has the declared digest", async () => {
    const deb = at("kernel.deb");
    writeFileSync(deb, "a kernel");
    const sha256 = createHash("sha256").update("a kernel").digest("hex");
    const origin = { kind: "deb", deb, sha256 } as const;
    const ours = [{ ...OURS, identity: identityOf(origin) }];
    for (const name of ["install", "reboot", "keep"]) {
      const { running, saved, bootId } = JSON.parse(
        readFileSync(at(`${name}.kernel`), "utf8"),
      ) as KernelFacts;
      const boot = Number(bootId.at(-1));
      const facts = { running, saved, ours, pinned: true, installed: [NEW, OLD] };
      state(name, { boot, facts });
    }
    const config = { source: "package", when: "unmet", package: { deb, sha256 } } as const;
    assert.deepEqual((await created({ config })).decided, { release: NEW, pinned: true });
    writeFileSync(deb, "another kernel");
    rmSync(at("verbs"));
    guest();
    assert.match(
      await failure({ config }),
      /kernel\.package\.deb: found SHA-256 [0-9a-f]{64} of \S+ \(nothing was installed\); need [0-9a-f]{64}; fix: correct package\.sha256, or the file$/,
    );
    assert.deepEqual(verbs(), []);
  });

  it("lets the guest record its kernel's configuration before base `running`, and refuses a changed record", async () => {
    const build: BuildOrder = {
      ...({ kind: "kernel", base: "running", recipe: "0".repeat(64) } as const),
      ...{ fragments: [], patches: [] },
      source: { package: "linux-source-6.12", suite: "bookworm-security" },
    };
    const place: BuildPlace = {
      ...{ cacheDir: "/nowhere", lab: "dev", sizeGiB: 4, distcc: [], vcpus: 1 },
      warm: "never",
    };
    guest(`if [[ $name == basis ]]; then echo CONFIG_NUMA=y; exit 0; fi`);
    const config = { source: "build", when: "unmet", build } as const;
    state("record", { facts: { basis: "a".repeat(64) } });
    const message = await failure({ config, place });
    rmSync(at("record.kernel"));
    const sum = createHash("sha256").update("CONFIG_NUMA=y\n").digest("hex");
    assert.match(
      message,
      new RegExp(
        `^mir: kernel: found SHA-256 ${sum} of the recorded configuration; need a{64}; fix: run 'up' again$`,
      ),
    );
    assert.deepEqual(verbs(), ["record", "basis"]);
  });

  it("reads at every refresh, and prints the plan for the new gate", async () => {
    const props = await created({ gates: { kernel: ">= 6.1", mesa: ">= 10.3.0" } });
    const read = await provider.read?.("id", props);
    assert.equal((read?.props as GuestKernelProps).status, "as decided");
    const changes = async (news: GuestKernelInputs) =>
      (await provider.diff?.("id", read?.props as GuestKernelProps, news))?.changes;
    assert.equal(await changes({ ...INPUTS, gates: props.gates }), false);
    assert.equal(await changes(INPUTS), true);
    const printed = (console.log as unknown as ReturnType<typeof mock.fn>).mock.calls;
    assert.match(
      String(printed.at(-1)?.arguments[0]),
      /^mir: kernel 6\.1\.0-56-amd64 does not meet >= 6\.12: up installs linux-image-amd64/,
    );
    programs.set("ssh", "exit 255");
    forgetLooks();
    const lost = await provider.read?.("id", props);
    assert.equal((lost?.props as GuestKernelProps).status, "unreachable");
  });
});
