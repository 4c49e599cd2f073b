/**
 * A lab host by SSH: this machine, through an sshd of the test. The tests create and remove the
 * host's part of a lab over SSH; with MIRLAB_TEST_LONG=1 a whole guest, too.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { tryClients } from "../../components/host/clients.io";
import { run } from "../../core/exec.io";
import { pictureFacts, pictureFault, readPicture } from "../../components/readiness/picture";
import { Agent, authorize, makeKey, noSshd, pinnedTarget, Sshd } from "./sshd";
import { HOST_PART, TestLab, virsh } from "./support";

const STACK = "itest-remote";
const GUEST = "g1";
const POOL = `mirlab-${STACK}`;
const long = process.env.MIRLAB_TEST_LONG === "1";
const folder = mkdtempSync(join(tmpdir(), "mirlab-remote-"));

interface Resource {
  readonly type: string;
  readonly urn: string;
  readonly inputs?: Record<string, unknown>;
}

describe(
  "a lab host that is reached by SSH",
  {
    timeout: 3_600_000,
    skip: noSshd ?? false,
  },
  () => {
    const ssh: Record<string, unknown> = { host: "127.0.0.1" };
    let sshd!: Sshd;
    let lab!: TestLab;

    /** The lab's `down` stops the daemon that the lab has started. */
    async function startLibvirt(): Promise<void> {
      const started = await run(["scripts/host/libvirtd.sh", "start"], { timeoutMs: 90_000 });
      assert.equal(started.code, 0, started.stderr);
    }
    const logins = (): number => sshd.log.match(/Accepted publickey/g)?.length ?? 0;
    const pinHostKey = (key: string): void => {
      ssh.hostKey = key;
      lab.configure([{ name: GUEST }]);
    };
    async function resources(): Promise<Resource[]> {
      const { code, text } = await lab.pulumi("stack", "export");
      assert.equal(code, 0, text);
      const { deployment } = JSON.parse(text) as { deployment: { resources?: Resource[] } };
      return deployment.resources ?? [];
    }

    /** What a user may have in a configuration of their own, which is for other connections. */
    function ownSshConfig(): string {
      const home = join(folder, "home");
      mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
      const hostile = ["Host *", "  Port 1", "  ProxyJump nowhere.invalid", "  User nobody"];
      writeFileSync(join(home, ".ssh", "config"), `${hostile.join("\n")}\n`, { mode: 0o600 });
      return home;
    }
    /** One `up` of the host's part with the configuration of now. */
    async function upHostPart(): Promise<void> {
      lab.configure([{ name: GUEST }]);
      const { code, text } = await lab.pulumi("up", "--yes", "--skip-preview", ...HOST_PART);
      assert.equal(code, 0, text);
    }
    async function assertHostPartQuiet(): Promise<void> {
      const { code, text } = await lab.pulumi("preview", "--expect-no-changes", ...HOST_PART);
      assert.equal(code, 0, text);
    }
    const providerUri = async (): Promise<string> => {
      const made = await resources();
      return String(made.find(({ type }) => type === "pulumi:providers:libvirt")?.inputs?.uri);
    };
    /** Runs it while the lab host is configured behind a jump host. */
    async function behindJumpHost(
      keyType: "ed25519" | "ecdsa",
      test: (gate: Sshd) => Promise<void>,
    ): Promise<void> {
      const gate = await Sshd.start();
      try {
        authorize(gate, readFileSync(`${sshd.identityFile}.pub`, "utf8").trim());
        ssh.jump = { host: "127.0.0.1", port: gate.port, hostKey: gate.hostKey(keyType) };
        await test(gate);
      } finally {
        await gate.stop();
      }
    }
    async function wholeGuest(): Promise<void> {
      const up = await lab.pulumi("up", "--yes", "--skip-preview");
      assert.equal(up.code, 0, up.text);
      const guest = (await lab.outputs())[GUEST] as unknown as Record<string, string>;
      assert.equal(guest.readiness, "ready");
      const facts = pictureFacts(readPicture(readFileSync(guest.screenshot ?? "")));
      assert.equal(pictureFault(facts), undefined);
      // As a person does: through the host, with both keys pinned.
      const who = await run(["bash", "-c", `${guest.sshCommand ?? ""} hostname`]);
      assert.deepEqual([who.code, who.stdout.toString().trim()], [0, GUEST], who.stderr);
      const preview = await lab.pulumi("preview", "--expect-no-changes");
      assert.equal(preview.code, 0, preview.text);
      const down = await lab.pulumi("destroy", "--yes", "--skip-preview", "--ignore-protect");
      assert.equal(down.code, 0, down.text);
      await startLibvirt();
      assert.match(await virsh("domstate", `mirlab-${STACK}-${GUEST}`), /failed to get domain/);
    }

    const ownHome = process.env.HOME;

    before(async () => {
      // The caches of packages and of the engine stay where they are.
      process.env.MIRLAB_CACHE ??= join(process.env.HOME ?? "/root", ".cache", "mirlab");
      process.env.HOME = ownSshConfig();
      await startLibvirt();
      sshd = await Sshd.start();
      Object.assign(ssh, { port: sshd.port, user: sshd.user, privateKeyFile: sshd.identityFile });
      ssh.hostKey = sshd.hostKey();
      lab = new TestLab({ stack: STACK, guests: [{ name: GUEST }], host: { ssh } });
      await lab.init();
    });
    after(async () => {
      try {
        await (lab as TestLab | undefined)?.dispose();
      } finally {
        await (sshd as Sshd | undefined)?.stop();
        process.env.HOME = ownHome;
        rmSync(folder, { recursive: true, force: true });
      }
    });

    it("is refused when its key is not the pinned one, before anything is made", async () => {
      pinHostKey(await makeKey(join(folder, "other")));
      const { code, text } = await lab.pulumi("up", "--yes", "--skip-preview");
      assert.notEqual(code, 0);
      assert.match(
        text,
        /host\.ssh \(127\.0\.0\.1\): found another SSH host key than the pinned one \(nothing was run there\); need host\.ssh\.hostKey/,
      );
      assert.equal(logins(), 0, "no login was tried");
      assert.ok(!existsSync(lab.dataDir), "no folder was made");
      assert.match(await virsh("pool-info", POOL), /failed to get pool/);
      assert.deepEqual(
        (await resources()).filter(({ type }) => !type.startsWith("pulumi:")),
        [],
      );
      pinHostKey(sshd.hostKey());
    });

    it("is refused when it does not answer", async () => {
      ssh.port = 1;
      lab.configure([{ name: GUEST }]);
      const { code, text } = await lab.pulumi("preview");
      assert.notEqual(code, 0);
      assert.match(
        text,
        /host\.ssh \(127\.0\.0\.1\): found no answer \(.*Connection refused\); need facts of the host; fix: check that it is up/,
      );
      ssh.port = sshd.port;
      lab.configure([{ name: GUEST }]);
    });

    it("has a preview", async () => {
      const { code, text } = await lab.pulumi("preview");
      assert.equal(code, 0, text);
      assert.match(text, /remote:Command/);
      assert.doesNotMatch(text, /local:Command/);
      assert.ok(!existsSync(lab.dataDir), "a preview makes nothing");
    });

    it("gets packages, libvirtd, folders and a pool over SSH, by the pinned key", async () => {
      await upHostPart();
      assert.match(await virsh("pool-info", POOL), /State:\s+running/);
      assert.ok(existsSync(join(lab.dataDir, STACK, "pool")));
      assert.match(
        await providerUri(),
        new RegExp(`^qemu\\+ssh://${sshd.user}@127\\.0\\.0\\.1:${sshd.port}/system\\?keyfile=`),
      );
      assert.deepEqual(
        (await resources()).filter(({ type }) => type === "command:local:Command"),
        [],
      );
      assert.ok(logins() > 0);
      const { text: state } = await lab.pulumi("stack", "export");
      const secret = readFileSync(sshd.identityFile, "utf8").split("\n")[2] ?? "";
      assert.ok(
        secret.length > 40 && !state.includes(secret),
        "the key is no plain text in the state",
      );
    });

    it("is reached by a key with a passphrase, which the agent has, by each client", async () => {
      const locked = join(folder, "locked");
      const agent = await Agent.start(join(folder, "agent.sock"));
      try {
        authorize(sshd, await makeKey(locked));
        await agent.add(locked);
        const lock = await run([
          "ssh-keygen",
          "-q",
          "-p",
          "-P",
          "",
          "-N",
          "open sesame",
          "-f",
          locked,
        ]);
        assert.equal(lock.code, 0, lock.stderr);
        ssh.privateKeyFile = locked;
        await upHostPart();
        assert.match(await providerUri(), /sshauth=agent/);
        await assertHostPartQuiet();
        // The state asks the agent until an `up` has written another key.
        ssh.privateKeyFile = sshd.identityFile;
        await upHostPart();
      } finally {
        await agent.stop();
      }
    });

    it("is reached through a jump host by each client, and by a pinned key of another type", async () => {
      await behindJumpHost("ecdsa", async (gate) => {
        ssh.hostKey = sshd.hostKey("rsa");
        await upHostPart();
        assert.match(await providerUri(), /^qemu\+ssh:\/\/\w+@mirlab-[0-9a-f]{16}\/system/);
        const before = logins();
        await assertHostPartQuiet();
        assert.ok(logins() > before);
        // Each login at the host came through the jump host.
        const through = gate.log.match(/Accepted publickey/g)?.length ?? 0;
        assert.ok(through >= logins() - before, `${through} logins at the jump host`);
        await virsh("pool-destroy", POOL);
        await upHostPart();
        assert.match(await virsh("pool-info", POOL), /State:\s+running/);
        delete ssh.jump;
        ssh.hostKey = sshd.hostKey();
        await upHostPart();
      });
    });

    it("is refused by a doctor where its sshd forwards nothing", async () => {
      const closed = await Sshd.start({
        lines: ["AllowTcpForwarding no", "AllowStreamLocalForwarding no"],
      });
      try {
        const finding = (server: Sshd) =>
          tryClients(pinnedTarget(server, { folder, alias: "clients", hostKey: server.hostKey() }));
        assert.equal((await finding(sshd)).severity, "ok");
        const { severity, found, fix } = await finding(closed);
        assert.deepEqual(
          [severity, found],
          ["fail", "no way for guests through the host and the libvirt provider"],
        );
        assert.match(fix, /set AllowTcpForwarding yes and AllowStreamLocalForwarding yes/);
      } finally {
        await closed.stop();
      }
    });

    it("has nothing of the lab after destroy", async () => {
      const { code, text } = await lab.pulumi(
        "destroy",
        "--yes",
        "--skip-preview",
        "--ignore-protect",
      );
      assert.equal(code, 0, text);
      await startLibvirt();
      assert.match(await virsh("pool-info", POOL), /failed to get pool/);
      assert.ok(!existsSync(join(lab.dataDir, STACK)));
    });

    it(
      "runs a whole guest",
      { skip: long ? false : "a guest boots: set MIRLAB_TEST_LONG=1" },
      async () => {
        // The longest way: commands in the guest go through two hosts.
        await behindJumpHost("ed25519", async () => {
          lab.configure([{ name: GUEST }]);
          await wholeGuest();
        });
      },
    );
  },
);
