/** Attacks from a guest whose root is hostile, and on its secrets. One guest, one `up`, two boots. */
import assert from "node:assert/strict";
import { existsSync, lstatSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { run, RunResult } from "../../core/exec.io";
import { closed, listen } from "../integration/loopback";
import { ROOT, TestLab, virsh } from "../integration/support";

const STACK = "itest-security";
const DOMAIN = `mirlab-${STACK}-mir`;
const CONFIG = { name: "mir", network: { outbound: false }, spice: { tls: true } };

/** Collects the command lines of all processes until `stop`. */
function watchProcesses(): { readonly seen: Set<string>; readonly stop: () => void } {
  const seen = new Set<string>();
  const timer = setInterval(() => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        seen.add(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
      } catch {
        // The process has ended.
      }
    }
  }, 100);
  return { seen, stop: () => clearInterval(timer) };
}

describe("a hostile guest", { timeout: 1_800_000 }, () => {
  const lab = new TestLab({ stack: STACK, guests: [CONFIG] });
  const folder = join(lab.home, "labs", STACK, "mir");
  const share = join(lab.dataDir, STACK, "shares", "mir");
  const processes = watchProcesses();
  /** All output of the engine, the state and the logs, by place. */
  const outputs = new Map<string, string>();
  let url = "";
  const server = createServer((_request, response) => response.end("host"));

  const ssh = (...words: string[]): Promise<RunResult> =>
    run(["ssh", "-F", join(folder, "ssh_config"), ...words], { timeoutMs: 120_000 });
  const asRoot = (script: string): Promise<RunResult> =>
    run(["ssh", "-F", join(folder, "ssh_config"), `mirlab-${STACK}-mir`, "sudo bash -s"], {
      timeoutMs: 120_000,
      stdin: script,
    });
  const root = async (script: string): Promise<string> => {
    const ended = await asRoot(script);
    assert.equal(ended.code, 0, `${script}: ${ended.stderr}`);
    return ended.stdout.toString().trim();
  };
  const pulumi = async (what: string, ...args: string[]): Promise<number> => {
    const { code, text } = await lab.pulumi(...args);
    outputs.set(what, text);
    return code;
  };
  const secrets = new Map<string, string>();
  const keep = (name: string, text: string | undefined): void => {
    assert.ok((text ?? "").length >= 20, name);
    secrets.set(name, text ?? "");
  };
  /** `SECRET: PLACE` for each secret found in an output, the state or a command line. */
  const leaks = (): string[] => {
    const state = join(lab.home, "state");
    for (const name of readdirSync(state, { recursive: true }).map(String)) {
      const path = join(state, name);
      if (statSync(path).isFile()) outputs.set(`state: ${name}`, readFileSync(path, "latin1"));
    }
    outputs.set("command lines", [...processes.seen].join("\n"));
    assert.ok(secrets.size > 0);
    return [...outputs].flatMap(([place, text]) =>
      [...secrets]
        .filter(([, secret]) => text.includes(secret))
        .map(([name]) => `${name}: ${place}`),
    );
  };
  /** Connects from the guest to a port of the host's loopback, and prints the answer. */
  const reachHost = (): Promise<RunResult> => {
    const port = new URL(url).port;
    return asRoot(`exec 3<>/dev/tcp/10.0.2.2/${port} || exit 7
printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; timeout 5 cat <&3`);
  };
  const pid = (): string => readFileSync(`/run/libvirt/qemu/${DOMAIN}.pid`, "utf8").trim();

  before(async () => {
    process.chdir(ROOT);
    const client = ["python3-gi", "gir1.2-spiceclientglib-2.0"];
    const there = await run(["scripts/host/packages.sh", "install", ...client], {
      timeoutMs: 300_000,
    });
    assert.equal(there.code, 0, there.stderr);
    url = await listen(server);
    await lab.init();
    const code = await pulumi("up", "up", "--yes", "--skip-preview");
    assert.equal(code, 0, outputs.get("up"));
  });
  after(async () => {
    processes.stop();
    await closed(server);
    await lab.dispose();
  });

  it("leaves neither links, nor devices, nor suid bits on the host", async () => {
    await root(`set -e; cd /mnt/share
ln -s ../../../../../../../../etc/passwd link
ln -s /etc/shadow absolute
mknod block b 8 0; mknod char c 1 1; mkfifo pipe
cp /bin/sh shell; chown root:root shell; chmod 6755 shell
mkdir folder; chmod 1777 folder; ln link hard 2>/dev/null || true
sync`);
    const names = ["link", "absolute", "block", "char", "pipe", "shell", "folder"];
    for (const name of names) {
      const seen = lstatSync(join(share, name));
      assert.ok(
        name === "folder" ? seen.isDirectory() : seen.isFile(),
        `${name} is a regular file or a folder`,
      );
      // A folder inherits the setgid bit of the share on the host.
      const special = name === "folder" ? 0o5000 : 0o7000;
      assert.equal(seen.mode & special, 0, `${name} has no special bit`);
      assert.notEqual(seen.uid, 0, `${name} is not root's`);
      if (!seen.isFile()) continue;
      assert.doesNotMatch(readFileSync(join(share, name), "latin1"), /root:[x*!$]/, name);
    }
    assert.equal(await root("stat -c %a /mnt/share/shell"), "6755", "in the guest it is");
    await root(`cd /mnt/share && rm -rf ${names.join(" ")} hard`);
  });

  it("reaches neither the host's loopback nor anything behind it", async () => {
    const ended = await reachHost();
    assert.notEqual(ended.code, 0);
    assert.doesNotMatch(ended.stdout.toString(), /host/);
    const [, spice = ""] =
      /^tls-port=(\d+)$/m.exec(readFileSync(join(folder, "console.vv"), "utf8")) ?? [];
    const screen = await asRoot(`timeout 10 bash -c 'exec 3<>/dev/tcp/10.0.2.2/${spice}'`);
    assert.notEqual(screen.code, 0, "its own screen's port");
    const names = await asRoot("timeout 10 bash -c 'exec 3<>/dev/tcp/10.0.2.3/53'");
    assert.notEqual(names.code, 0, "the host's name server");
  });

  it("shows its screen by TLS alone, to the file of its lab", async () => {
    const viewer = readFileSync(join(folder, "console.vv"), "utf8");
    const look = async (text: string): Promise<string> => {
      const file = join(lab.folder, "look.vv");
      writeFileSync(file, text, { mode: 0o600 });
      const client = join(ROOT, "test/security/spiceClient.py");
      const ended = await run(["/usr/bin/python3", client, file]);
      assert.equal(ended.code, 0, ended.stderr);
      return ended.stdout.toString().trim();
    };
    assert.match(await look(viewer), /^picture 1\d{3} \d{3,4}$/);
    assert.match(await look(viewer.replace("tls-port=", "port=")), /^error-link/);
    assert.match(await look(viewer.replace(/password=.*/, "password=x")), /^error-auth/);
  });

  it("takes no password, from nobody", async () => {
    const none = ["-o", "PubkeyAuthentication=no", "-o", "BatchMode=yes"];
    const ended = await ssh(...none, `mirlab-${STACK}-mir`, "true");
    assert.equal(ended.code, 255);
    assert.match(ended.stderr, /Permission denied \(publickey\)/);
    const accounts = (await root("passwd --status --all")).split("\n");
    assert.deepEqual(
      accounts.filter((line) => line.split(" ")[1] === "P"),
      [],
    );
  });

  it("runs in a QEMU that is neither root nor of root's groups", () => {
    const status = readFileSync(`/proc/${pid()}/status`, "utf8");
    const ids = (key: string): string[] =>
      (new RegExp(`^${key}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "").trim().split(/\s+/);
    const qemu = /^libvirt-qemu:[^:]*:(\d+):/m.exec(readFileSync("/etc/passwd", "utf8"))?.[1];
    assert.deepEqual([...new Set(ids("Uid"))], [qemu]);
    for (const key of ["Gid", "Groups"]) assert.ok(!ids(key).includes("0"), key);
    assert.match(status, /^CapEff:\s*0+$/m);
  });

  it("runs in a QEMU that AppArmor confines", async (t) => {
    const xml = await virsh("dumpxml", DOMAIN);
    assert.doesNotMatch(xml, /<seclabel type='none'/);
    const parameter = "/sys/module/apparmor/parameters/enabled";
    if (!existsSync(parameter) || !readFileSync(parameter, "utf8").startsWith("Y")) {
      t.skip("the kernel of this machine has no AppArmor");
      return;
    }
    assert.match(xml, /<seclabel type='dynamic' model='apparmor' relabel='yes'>/);
    assert.match(readFileSync(`/proc/${pid()}/attr/current`, "utf8"), /^libvirt-[^ ]+ \(enforce\)/);
  });

  it("keeps every secret out of state, output, processes and logs", async () => {
    for (const name of ["id_ed25519", "host_ed25519", "spice_ca_key.pem", "spice_key.pem"])
      keep(name, readFileSync(join(folder, name), "utf8").split("\n")[2]);
    keep("spice_ticket", readFileSync(join(folder, "spice_ticket"), "utf8").trim());
    keep("passphrase", readFileSync(join(lab.home, "passphrase"), "utf8").trim());
    const logs = await root("cat /var/log/*.log /var/log/*/*.log 2>/dev/null; journalctl -o cat");
    outputs.set("the guest's logs", logs);
    outputs.set("the host's log", readFileSync(`/var/log/libvirt/qemu/${DOMAIN}.log`, "utf8"));
    await pulumi("preview", "preview", "--diff", "--refresh");
    await pulumi("preview as JSON", "preview", "--json");
    lab.configure([{ ...CONFIG, gates: { kernel: ">= 99.1" } }]);
    assert.notEqual(await pulumi("failing up", "up", "--yes", "--skip-preview"), 0);
    await pulumi("export", "stack", "export");
    await pulumi("outputs", "stack", "output", "--json", "--show-secrets");
    assert.deepEqual(leaks(), []);
  });

  it("boots without its seed: the login works, the host key is the same", async () => {
    const keys = "sha256sum /etc/ssh/ssh_host_*_key.pub | sort; cat /etc/machine-id";
    const was = await root(keys);
    await virsh("shutdown", DOMAIN);
    const off = Date.now() + 180_000;
    while ((await virsh("domstate", DOMAIN)).trim() !== "shut off") {
      assert.ok(Date.now() < off, "the guest did not shut down");
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    // Without the seed. For the tests below: a read-only share and an open network.
    const xml = (await virsh("dumpxml", "--inactive", "--security-info", DOMAIN))
      .replace(/<disk type='file' device='cdrom'>[^]*?<\/disk>/, "")
      .replace("<target dir='share'/>", "<target dir='share'/><readonly/>")
      .replace(",restrict=on", "");
    const file = join(lab.folder, "second.xml");
    writeFileSync(file, xml, { mode: 0o600 });
    assert.equal(await virsh("define", file), "");
    assert.equal(await virsh("start", DOMAIN), "");
    const up = Date.now() + 600_000;
    while ((await ssh("-o", "ConnectTimeout=5", `mirlab-${STACK}-mir`, "true")).code !== 0) {
      assert.ok(Date.now() < up, "the guest did not boot");
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
    assert.equal(await root(keys), was);
    assert.equal(await root("ls /dev/sr0 2>/dev/null || true"), "");
  });

  it("cannot write to a share that is read-only", async () => {
    writeFileSync(join(share, "kept"), "as it was");
    const were = readdirSync(share);
    const time = statSync(share).mtimeMs;
    const ended = await asRoot(`umount /mnt/share 2>/dev/null
mount -t 9p -o trans=virtio,version=9p2000.L,rw share /mnt/share || exit 9
cat /mnt/share/kept
for words in 'touch new' 'rm kept' 'chmod 777 kept' 'ln -s /etc/passwd kept2' 'mknod dev b 8 0'; do
  (cd /mnt/share && $words) 2>&1 && echo "DONE $words"
done
echo over >/mnt/share/kept && echo DONE write
exit 0`);
    const text = ended.stdout.toString() + ended.stderr;
    assert.equal(ended.code, 0, text);
    assert.match(text, /as it was/);
    assert.doesNotMatch(text, /DONE/);
    assert.equal(text.match(/Read-only file system/g)?.length, 6, text);
    assert.deepEqual(readdirSync(share), were);
    assert.equal(readFileSync(join(share, "kept"), "utf8"), "as it was");
    assert.equal(statSync(share).mtimeMs, time);
  });

  it("would reach the host's loopback with an open network: the attack is real", async () => {
    assert.match((await reachHost()).stdout.toString(), /host$/);
  });

  it("keeps them out of what is said and left when it is destroyed", async () => {
    assert.equal(
      await pulumi("destroy", "destroy", "--yes", "--skip-preview", "--ignore-protect"),
      0,
    );
    assert.deepEqual(leaks(), []);
    assert.ok(processes.seen.size > 100, "processes were seen");
  });
});
