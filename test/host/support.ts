/** What the tests of emulated hosts share. */
import assert from "node:assert/strict";
import { after, afterEach, before } from "node:test";
import { run } from "../../core/exec.io";
import { Ended, TestLab } from "../integration/support";
import { guestBootId, printEvidence } from "./evidence";
import type { EmulatedHost } from "./machine";
import { note, startRun, timed } from "./record";

export interface RemoteLab {
  readonly host: EmulatedHost;
  readonly lab: TestLab;
  readonly guest: string;
  readonly domain: string;
}

/** Waits until the question is answered with yes. */
export async function untilTrue(
  fault: string,
  limitMs: number,
  ask: () => Promise<boolean>,
): Promise<void> {
  for (const started = Date.now(); !(await ask());) {
    assert.ok(Date.now() - started < limitMs, `${fault} after ${limitMs / 1000} s`);
    await new Promise((done) => setTimeout(done, 3000));
  }
}

/** One CPU: with two, QEMU's emulation of SVM is less steady. */
export const MACHINE = { acceleration: "kvm", autostart: true, vcpus: 1 } as const;

/** How often a run is repeated after a reset of host or guest. */
const RESETS = 2;
/** Seconds that a guest's agent gets to answer after a failure. */
const AGENT_S = 300;

type Machines = Pick<RemoteLab, "host"> & Partial<Pick<RemoteLab, "domain">>;

/** Ids of the machines' boots; empty: its agent does not answer. */
async function bootsOf({ host, domain }: Machines): Promise<Map<string, string>> {
  const boots = new Map([["host", await host.bootId()]]);
  if (domain !== undefined) boots.set("guest", await guestBootId(host, domain));
  return boots;
}

/** A machine that has booted since; a guest whose agent does not answer in time has not. */
async function resetSince(of: Machines, before: Map<string, string>): Promise<string | undefined> {
  for (const started = Date.now(); ;) {
    const now = await bootsOf(of);
    const silent = now.get("guest") === "" && before.get("guest") !== "";
    if (silent && Date.now() - started < AGENT_S * 1000) continue;
    return [...before].find(
      ([name, id]) => id !== "" && now.get(name) !== "" && now.get(name) !== id,
    )?.[0];
  }
}

/**
 * Runs it, notes how long it took, and runs it again where it failed and host or guest have booted meanwhile: QEMU's
 * emulation of SVM ends in a triple fault of either now and then. Each such reset is noted.
 */
export async function steady<T extends { readonly code: number }>(
  of: Machines,
  what: string,
  run: () => Promise<T>,
): Promise<T> {
  for (let resets = 0; ; resets++) {
    const before = await bootsOf(of);
    const ended = await timed(what, run);
    if (ended.code === 0 || resets === RESETS) return ended;
    const reset = await resetSince(of, before);
    if (reset === undefined) return ended;
    note(`${what}: failed, and the ${reset} has booted meanwhile; once more`);
  }
}

/** The host as a lab's, by `host.ssh` as user admin. */
export const hostValues = (host: EmulatedHost): Record<string, unknown> => ({
  ssh: {
    ...{ host: "127.0.0.1", port: host.port, user: "admin" },
    ...{ privateKeyFile: host.identityFile, hostKey: host.hostKey },
  },
  cacheDir: "/var/cache/mirlab",
});

/** Runs it steadily; it has to succeed. */
export async function succeeds<T extends Ended>(
  of: Machines,
  what: string,
  verb: () => Promise<T>,
): Promise<T> {
  const ended = await steady(of, what, verb);
  if (ended.code !== 0 && of.domain !== undefined) await printEvidence(of.host, of.domain);
  assert.equal(ended.code, 0, ended.text);
  return ended;
}

/** A preview that finds nothing to change. */
export const silent = (of: RemoteLab): Promise<Ended> =>
  succeeds(of, "preview", () => of.lab.pulumi("preview", "--expect-no-changes"));

/** One `lab up`. */
export const converges = (of: RemoteLab, what: string): Promise<Ended> =>
  succeeds(of, what, () => of.lab.verb("up", "--yes"));

/** Fails where a running domain is not confined by an AppArmor profile of its own. Returns the profile's name. */
export async function assertConfined(host: EmulatedHost, domain: string): Promise<string> {
  const profile = `libvirt-${await host.virsh(`domuuid ${domain}`)}`;
  const pid = `$(cat /run/libvirt/qemu/${domain}.pid)`;
  assert.equal(await host.out("root", `cat /proc/${pid}/attr/current`), `${profile} (enforce)`);
  return profile;
}

/** The output of a shell command in the guest, as a person gets there. */
export async function inGuest({ lab, guest }: RemoteLab, command: string): Promise<string> {
  const { sshCommand = "" } = (await lab.outputs())[guest] as unknown as Record<string, string>;
  const ended = await run(["bash", "-c", `${sshCommand} "$1"`, "-", command], {
    timeoutMs: 300_000,
  });
  assert.equal(ended.code, 0, ended.stderr);
  return ended.stdout.toString().trim();
}

const MARK = "/var/lib/mirlab-test-mark";

/** Inode and path of the guest's root disk. */
const diskOf = ({ host, domain }: RemoteLab): Promise<string> =>
  host.out(
    "root",
    `virsh -c qemu:///system domblklist ${domain} --details | awk '$3 == "vda" { print $4 }' | xargs stat -c '%i %n'`,
  );

/** Writes a mark on the guest's disk. The function returned fails where the disk is another, or the mark is gone. */
export async function markDisk(of: RemoteLab): Promise<() => Promise<void>> {
  await inGuest(of, `echo kept | sudo tee ${MARK}; sync`);
  const before = await diskOf(of);
  return async () => {
    assert.equal(await diskOf(of), before, `${of.guest} keeps its disk`);
    assert.equal(await inGuest(of, `cat ${MARK}`), "kept");
  };
}

/** Called after each test, and before the host ends. */
type Keep = (host: EmulatedHost, ended: boolean) => Promise<void>;

/** Boots a host before the tests of a `describe`, and ends it after them. */
export function hostOfTests(
  boot: () => Promise<EmulatedHost>,
  keep: Keep,
  atEnd = (): Promise<void> => Promise.resolve(),
): () => { host: EmulatedHost } {
  let host!: EmulatedHost;
  before(async () => {
    startRun();
    host = await timed("boot of the host", boot);
  });
  afterEach(() => keep(host, false));
  after(async () => {
    if ((host as EmulatedHost | undefined) === undefined) return;
    try {
      await atEnd();
      await keep(host, true);
    } finally {
      await host.stop();
    }
  });
  return () => ({ host });
}

/** As hostOfTests, with a stack of one guest for user admin, which ends before its host. */
export function labOnHost(
  boot: () => Promise<EmulatedHost>,
  stack: string,
  machine: Readonly<Record<string, unknown>>,
  keep: Keep = () => Promise.resolve(),
): () => RemoteLab {
  const guest = "mir";
  let lab!: TestLab;
  const of = hostOfTests(boot, keep, async () => (lab as TestLab | undefined)?.dispose());
  before(async () => {
    lab = new TestLab({
      ...{ stack, guests: [{ ...machine, name: guest }] },
      host: hostValues(of().host),
    });
    await lab.init();
  });
  return () => ({ ...of(), lab, guest, domain: `mirlab-${stack}-${guest}` });
}
