/** The doctor on this machine: real libvirt, ports, folders, SSH. No guest is created. */
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { stringify } from "yaml";
import { run, RunResult } from "../../core/exec.io";
import { DoctorReport, doctorReport } from "../../cli/doctorReport";
import { Finding } from "../../components/host/checks/finding";
import { closed, freePort, listen, portOf } from "./loopback";
import { makeKey, noSshd, Sshd } from "./sshd";
import { CACHE_DIR, ROOT } from "./support";

const STACK = "itest-doctor";
const CONFIG = join(ROOT, `Pulumi.${STACK}.yaml`);
const folder = mkdtempSync(join(tmpdir(), "mirlab-doctor-"));
/** Not below /tmp: a share may not be there. */
const shares = `/srv/mirlab-itest-${process.pid}`;
const dataDir = `/var/lib/mirlab-test-${process.pid}-${STACK}`;
const root = process.getuid?.() === 0;
const env = { MIRLAB_HOME: join(folder, "home"), MIRLAB_STACK: STACK };

function configure(guest: object = {}, host: object = {}): void {
  const config = {
    "mirlab:host": { dataDir, cacheDir: CACHE_DIR, ...host },
    "mirlab:guests": [{ name: "mir", memoryMiB: 768, ...guest }],
  };
  writeFileSync(CONFIG, stringify({ config }));
}

const DOCTOR = ["bin/lab", "doctor", "--stack", STACK];

function doctor(...options: string[]): Promise<RunResult> {
  return run([...DOCTOR, ...options], { env, timeoutMs: 400_000 });
}

function reportIn(result: RunResult): DoctorReport {
  return doctorReport.parse(JSON.parse(result.stdout.toString()));
}

/** Exit code and findings of `--json`; asserts that the output is valid against the schema. */
async function examined(): Promise<[number, Finding[]]> {
  const result = await doctor("--json");
  const report = reportIn(result);
  assert.ok("findings" in report, JSON.stringify(report));
  return [result.code, report.findings];
}

const of = (id: string, findings: readonly Finding[]): string[] =>
  findings.filter((f) => f.id === id).map((f) => `${f.severity} ${f.found}`);

async function said(...argv: string[]): Promise<string> {
  return (await run(argv)).stdout.toString().trim();
}

describe("the doctor", { timeout: 1_200_000 }, () => {
  let started = false;
  const libvirtd = (verb: string): Promise<RunResult> =>
    run(["scripts/host/libvirtd.sh", verb], { timeoutMs: 90_000 });
  before(async () => {
    for (const path of [CACHE_DIR, env.MIRLAB_HOME]) mkdirSync(path, { recursive: true });
    started = (await libvirtd("status")).code !== 0;
    if (started) assert.equal((await libvirtd("start")).code, 0);
  });
  afterEach(() => rmSync(CONFIG, { force: true }));
  after(async () => {
    if (started) await libvirtd("stop");
    for (const path of [folder, shares]) rmSync(path, { recursive: true, force: true });
  });

  it("reports the true state of this machine, valid against the schema", async () => {
    configure();
    const [code, findings] = await examined();
    const failed = findings.filter((f) => f.severity === "fail");
    assert.deepEqual([code, failed], [0, []]);
    const version = await said("virsh", "-c", "qemu:///system", "version", "--daemon");
    const daemon = /Running against daemon: (\S+)/.exec(version)?.[1] ?? "";
    assert.deepEqual(of("libvirt", findings), [
      `ok libvirt ${daemon}, QEMU ${/hypervisor: QEMU (\S+)/.exec(version)?.[1] ?? ""}`,
    ]);
    assert.deepEqual(of("emulator-spice", findings), ["ok spice"]);
    assert.deepEqual(of("emulator-video", findings), ["ok qxl"]);
    assert.match(of("emulator-share", findings)[0] ?? "", /^ok 9p \(virtio-9p-pci\), virtiofs: /);
    const probed = await said("bash", "scripts/host/kvm-probe.sh", CACHE_DIR);
    const { acceleration } = JSON.parse(probed) as { acceleration: string };
    const [kvm = ""] = of("kvm", findings);
    assert.ok(kvm.startsWith(acceleration === "kvm" ? "ok a guest booted" : "warn "), kvm);
    const slirp = await said("dpkg-query", "-W", "-f", "${Version}", "libslirp0");
    for (const line of of("advisory", findings).filter((l) => l.includes("libslirp0"))) {
      assert.ok(line.includes(`libslirp0 ${slirp}:`), line);
    }
  });

  it("changes nothing but the cache of KVM's proof", async () => {
    configure();
    const caches = (): string[] => readdirSync(CACHE_DIR).filter((name) => name !== "kvm-probe");
    const before = caches();
    await doctor();
    assert.deepEqual(caches(), before);
    assert.deepEqual([existsSync(dataDir), readdirSync(env.MIRLAB_HOME)], [false, []]);
  });

  it("names the process that holds a port, and `up` then changes nothing", async () => {
    const server = createServer();
    await listen(server);
    try {
      const port = portOf(server);
      configure({ spice: { port } });
      const [code, findings] = await examined();
      assert.equal(code, 1);
      const [line = ""] = of("port", findings);
      assert.match(line, new RegExp(`^fail port ${port} in use by .+ \\(pid ${process.pid}\\)$`));
      const up = await run(["bin/lab", "up", "--yes"], { env, timeoutMs: 400_000 });
      assert.equal(up.code, 1, up.stderr);
      assert.match(up.stderr, /doctor: FAIL guests\[0\]\.spice\.port: port: found port/);
      assert.match(up.stderr, /nothing was touched/);
      assert.deepEqual([existsSync(dataDir), readdirSync(env.MIRLAB_HOME)], [false, []]);
    } finally {
      await closed(server);
    }
  });

  it(
    "distinguishes a share that QEMU's user cannot write from one that it cannot reach",
    {
      skip: !root && "needs root, to have folders of another user",
    },
    async () => {
      const inner = join(shares, "inner");
      mkdirSync(inner, { recursive: true, mode: 0o755 });
      configure({ share: { path: inner } });
      const [code, unwritable] = await examined();
      assert.equal(code, 1);
      assert.deepEqual(of("share", unwritable), [`fail ${inner}, which libvirt-qemu cannot write`]);
      chmodSync(shares, 0o700);
      chmodSync(inner, 0o777);
      const [, unreachable] = await examined();
      assert.deepEqual(of("share", unreachable), [
        `fail ${inner} behind ${shares}, which libvirt-qemu cannot pass`,
      ]);
      // The fix in the finding works.
      chmodSync(shares, 0o711);
      const [mended, open] = await examined();
      assert.deepEqual([mended, of("share", open)], [0, [`ok ${inner}`]]);
    },
  );

  it("prints findings in groups, with colours only on a terminal", async () => {
    configure();
    const piped = (await doctor()).stdout.toString();
    assert.match(piped, /^machine\n {2}ok {4}host-os +debian/);
    assert.match(piped, /\n {2}WARN .*\n +fix: /);
    const counts = ["ok", "note", "WARN", "FAIL"].map(
      (mark) => piped.split("\n").filter((line) => line.startsWith(`  ${mark} `)).length,
    );
    const [ok, note, warn, fail] = counts;
    const plural = (n = 0): string => (n === 1 ? "" : "s");
    assert.equal(
      piped.trimEnd().split("\n").at(-1),
      `doctor: ${ok} ok, ${note} note${plural(note)}, ${warn} warning${plural(warn)}, ${fail} failures`,
    );
    const terminal = (more: string): Promise<string> =>
      said("env", ...more.split(" "), "script", "-qec", DOCTOR.join(" "), "/dev/null");
    assert.ok(!piped.includes("\u001b"));
    assert.ok((await terminal("A=b")).includes("\u001b[32mok"));
    assert.ok(!(await terminal("NO_COLOR=1")).includes("\u001b[32mok"));
  });

  it("reports all faults of an invalid configuration", async () => {
    configure({ vcpu: 2, memoryMiB: 1 });
    const [code, findings] = await examined();
    assert.equal(code, 1);
    assert.deepEqual(
      findings.map(({ id, path }) => `${id} ${path}`),
      ["config guests[0].memoryMiB", "config guests[0].vcpu"],
    );
  });

  it("works without the lab's packages, and leaves their installation to `up`", async () => {
    configure();
    const programs = join(folder, "programs");
    const dpkg = join(folder, "dpkg");
    for (const path of [programs, dpkg]) mkdirSync(path);
    writeFileSync(join(dpkg, "status"), "");
    const hidden = ["virsh", "qemu-system-x86_64", "ss", "curl"];
    for (const path of (process.env.PATH ?? "").split(":").filter((p) => existsSync(p))) {
      for (const name of readdirSync(path)) {
        const link = join(programs, name);
        if (!hidden.includes(name) && !existsSync(link)) symlinkSync(join(path, name), link);
      }
    }
    const bare = { ...env, PATH: programs, DPKG_ADMINDIR: dpkg };
    const result = await run([...DOCTOR, "--json"], { env: bare, timeoutMs: 400_000 });
    const report = reportIn(result);
    assert.ok("findings" in report, JSON.stringify(report));
    const findings = report.findings;
    assert.equal(result.code, 0, JSON.stringify(findings.filter((f) => f.severity === "fail")));
    assert.deepEqual(of("libvirt", findings), ["info not installed yet; 'npm run up' installs it"]);
    assert.match(of("kvm", findings)[0] ?? "", /^info not tried: QEMU is not installed yet/);
    assert.match(of("packages", findings)[0] ?? "", /^info not installed: qemu-system-x86 /);
    assert.deepEqual(of("advisory", findings), []);
  });

  it("exits with 2 for a host that it cannot examine", async () => {
    await makeKey(join(folder, "client"));
    const hostKey = await makeKey(join(folder, "host"));
    const ssh = { host: "127.0.0.1", port: await freePort(), user: "root", hostKey };
    configure({}, { ssh: { ...ssh, privateKeyFile: join(folder, "client") } });
    const result = await doctor("--json");
    assert.equal(result.code, 2);
    const report = reportIn(result);
    assert.ok("error" in report);
    assert.match(report.error, /^host\.ssh \(127\.0\.0\.1\): found no answer \(.*refused/);
    const plain = await doctor();
    assert.deepEqual([plain.code, plain.stdout.toString()], [2, ""]);
    assert.match(plain.stderr, /^doctor: host\.ssh \(127\.0\.0\.1\): found no answer/);
  });

  it("examines a host by SSH", { skip: noSshd ?? false }, async () => {
    const sshd = await Sshd.start();
    try {
      const { port, user, identityFile: privateKeyFile } = sshd;
      const ssh = { host: "127.0.0.1", port, user, hostKey: sshd.hostKey(), privateKeyFile };
      configure({}, { ssh });
      const result = await doctor("--json");
      const report = reportIn(result);
      assert.ok("findings" in report, JSON.stringify(report));
      assert.equal(report.host, "127.0.0.1");
      assert.deepEqual(of("emulator-video", report.findings), ["ok qxl"]);
      assert.match(sshd.log, /Accepted publickey/);
    } finally {
      await sshd.stop();
    }
  });
});
