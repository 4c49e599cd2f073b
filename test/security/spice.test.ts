/**
 * Screens of real QEMUs, and a real SPICE client with or without the right to see them. No guest
 * boots.
 */
import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { run } from "../../core/exec.io";
import { GuestAccessInputs, provider as access } from "../../components/access/access.provider";
import { define } from "../../components/domain/definition.io";
import { provider as screenTls } from "../../components/domain/screenTls.provider";
import { domainXml, DomainSpec } from "../../components/domain/definition";
import { tlsFolder } from "../../config/screen";
import { freePort } from "../integration/loopback";
import { ROOT, virsh } from "../integration/support";

const PREFIX = `mirlab-test-screen-${process.pid}`;
/** UID of another user of the host: nobody. */
const OTHER = 65534;
const folder = mkdtempSync(join(tmpdir(), "mirlab-screen-"));
const CLIENT = join(ROOT, "test/security/spiceClient.py");

interface Shown {
  readonly port: number;
  readonly directory: string;
}

/** Output of a client with the lab's file, edited: `picture WIDTH HEIGHT`, or why it saw none. */
async function look(shown: Shown, ...edits: [string | RegExp, string][]): Promise<string> {
  const viewer = readFileSync(join(shown.directory, "console.vv"), "utf8");
  const edited = edits.reduce((text, [from, to]) => text.replace(from, to), viewer);
  assert.ok(edits.length === 0 || edited !== viewer, "nothing to edit");
  const ended = await run(["/usr/bin/python3", CLIENT, file("look.vv", edited)]);
  assert.equal(ended.code, 0, ended.stderr);
  return ended.stdout.toString().trim();
}

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
  return join(folder, name);
};

/** Starts a domain without a disk, with the screen of the lab's guests; it shows its firmware. */
async function show(name: string, tls: boolean): Promise<Shown> {
  const port = await freePort();
  const directory = join(folder, name);
  const guest = `${name}-${process.pid}`;
  const inputs: GuestAccessInputs = {
    ...{ directory, alias: guest, hostName: "127.0.0.1", port: 22, user: "mir" },
    screen: { title: name, port, ...(tls ? { subject: `CN=mirlab test ${name}` } : {}) },
  };
  const { certificate = "" } = (await access.create(inputs)).outs ?? {};
  const place = tls ? { tlsFolder: tlsFolder("test", guest) } : {};
  if (place.tlsFolder !== undefined)
    await screenTls.create({ folder: place.tlsFolder, directory, certificate });
  const spec: DomainSpec = {
    ...{ name: `${PREFIX}-${name}`, stack: "test", guest, type: "qemu", memoryMiB: 64, vcpus: 1 },
    ...{ mac: "52:54:00:00:00:01", disk: "-", seed: "-", serialLog: "-" },
    video: { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 },
    spice: { port, clipboard: false, fileTransfer: false, ...place },
    network: { mode: "user", sshPort: await freePort() },
  };
  const ticket = readFileSync(join(directory, "spice_ticket"), "utf8").trim();
  const bare = domainXml(spec, { ticket })
    .replaceAll(/<disk .*?<\/disk>/gs, "")
    .replace(/<log [^>]*>/, "");
  await define(undefined, spec.name, bare, "--validate");
  assert.equal(await virsh("start", spec.name), "");
  return { port, directory };
}

describe("a guest's screen", { timeout: 300_000 }, () => {
  let open!: Shown;
  let secure!: Shown;
  const ticketOf = ({ directory }: Shown): string =>
    readFileSync(join(directory, "spice_ticket"), "utf8").trim();

  before(async () => {
    process.chdir(ROOT);
    for (const script of [
      ["packages.sh", "install", "python3-gi", "gir1.2-spiceclientglib-2.0"],
      ["libvirtd.sh", "start"],
    ]) {
      const [name = "", ...args] = script;
      const ended = await run([`scripts/host/${name}`, ...args], { timeoutMs: 300_000 });
      assert.equal(ended.code, 0, ended.stderr);
    }
    open = await show("open", false);
    secure = await show("secure", true);
  });
  after(async () => {
    for (const name of ["open", "secure"]) {
      await virsh("destroy", `${PREFIX}-${name}`);
      await virsh("undefine", `${PREFIX}-${name}`);
    }
    const tls = { folder: tlsFolder("test", `secure-${process.pid}`), directory: "" };
    const props = { ...tls, certificate: "", sha256: "", intact: true };
    await screenTls.delete?.(props.folder, props);
    rmSync(folder, { recursive: true, force: true });
  });

  it("shows the screen to who has the ticket", async () => {
    assert.match(await look(open), /^picture \d+ \d+$/);
  });

  it("refuses a wrong ticket, and none", async () => {
    for (const other of [`password=${ticketOf(secure)}`, "password=x", ""]) {
      assert.match(await look(open, [/password=.*/, other]), /^error-auth: Authentication failed/);
    }
  });

  it("refuses another user of the host, who cannot read the ticket", async () => {
    // This user can read the client and the address, but not the lab's files.
    chmodSync(folder, 0o755);
    const client = join(folder, "client.py");
    writeFileSync(client, readFileSync(CLIENT), { mode: 0o644 });
    const bare = join(folder, "bare.vv");
    const known = `[virt-viewer]\nhost=127.0.0.1\nport=${open.port}\n`;
    writeFileSync(bare, known, { mode: 0o644 });
    const asOther = (...words: string[]): ReturnType<typeof run> =>
      run(["setpriv", `--reuid=${OTHER}`, `--regid=${OTHER}`, "--clear-groups", ...words]);
    const python = "/usr/bin/python3";
    const seen = await asOther(python, client, bare);
    assert.match(seen.stdout.toString(), /^error-auth: Authentication failed/, seen.stderr);
    for (const name of readdirSync(open.directory)) {
      const read = await asOther("cat", join(open.directory, name));
      assert.notEqual(read.code, 0, name);
      assert.match(read.stderr, /Permission denied/);
    }
  });

  it("refuses a ticket whose time is over", async () => {
    const name = `${PREFIX}-open`;
    const xml = await virsh("dumpxml", "--security-info", name);
    const over = xml.replace(/ passwd='/, " passwdValidTo='2020-01-01T00:00:00' passwd='");
    const [device = ""] = /<graphics [^]*?<\/graphics>/.exec(over) ?? [];
    assert.equal(await virsh("update-device", name, file("over.xml", device)), "");
    assert.match(await look(open), /^error-auth: Authentication failed/);
  });

  it("shows the screen by TLS to who has the ticket and the authority", async () => {
    assert.match(await look(secure), /^picture \d+ \d+$/);
    const none = await look(secure, [/password=.*/, ""]);
    assert.match(none, /^error-auth: Authentication failed/);
  });

  it("refuses clear text where TLS is declared", async () => {
    assert.match(await look(secure, ["tls-port=", "port="]), /^error-link/);
    const name = `${PREFIX}-secure`;
    const pid = readFileSync(`/run/libvirt/qemu/${name}.pid`, "utf8").trim();
    const { stdout } = await run(["ss", "-Hltnp"]);
    const listening = stdout
      .toString()
      .split("\n")
      .filter((line) => line.includes(`pid=${pid},`))
      .map((line) => line.trim().split(/\s+/)[3])
      .filter((address) => address !== undefined);
    assert.ok(listening.includes(`127.0.0.1:${secure.port}`), listening.join(" "));
    assert.equal(listening.length, 2, `SSH's forward, and the screen: ${listening.join(" ")}`);
  });

  it("is refused by a client that knows another authority", async () => {
    const other = join(folder, "other");
    mkdirSync(other);
    const screen = { title: "other", port: 1, subject: "CN=mirlab test secure" };
    const inputs = {
      directory: other,
      alias: "other",
      hostName: "127.0.0.1",
      port: 22,
      user: "mir",
    };
    await access.create({ ...inputs, screen });
    const [authority = ""] = /^ca=.*/m.exec(readFileSync(join(other, "console.vv"), "utf8")) ?? [];
    assert.match(await look(secure, [/^ca=.*/m, authority]), /^error-tls/);
    const subject = await look(secure, ["test secure", "test other"]);
    assert.match(subject, /^error-tls/, "another guest's certificate");
  });

  it("keeps the ticket out of command lines, logs and libvirt's answers", async () => {
    const words = await run(["cat", ...processes()]);
    for (const shown of [open, secure]) {
      const ticket = ticketOf(shown);
      for (const name of ["open", "secure"].map((n) => `${PREFIX}-${n}`)) {
        assert.ok(!(await virsh("dumpxml", name)).includes(ticket), "dumpxml");
        assert.ok(!readFileSync(`/var/log/libvirt/qemu/${name}.log`, "utf8").includes(ticket));
      }
      assert.ok(!words.stdout.includes(ticket), "a command line");
    }
  });
});

/** The command line files of all processes. */
const processes = (): string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => `/proc/${pid}/cmdline`);
