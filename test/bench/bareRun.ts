/** The bench's side without an engine: the same steps by bare.sh. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../core/exec.io";
import { ACCESS_FILES, provider as access } from "../../components/access/access.provider";
import { GUEST_USER, metaData, userData } from "../../components/domain/cloudInit";
import { domainXml } from "../../components/domain/definition";
import { readLab } from "../../config/lab";
import { SuiteName } from "../../config/suites";
import { Acceleration, DOMAIN_TYPE } from "../../core/limits";
import { macAddress } from "../../components/domain/mac";
import { pictureFacts, pictureFault, readPicture } from "../../components/readiness/picture";
import { CACHE_DIR } from "../integration/support";
import { Phases, seconds } from "./phases";

const [STACK, GUEST] = ["bare", "g1"];
const NAME = `mirlab-${STACK}-${GUEST}`;

export class BareRun {
  private readonly folder = mkdtempSync(join(tmpdir(), "mirlab-bare-"));
  private readonly dataDir = `/var/lib/mirlab-bench-${process.pid}`;

  constructor(private readonly suite: SuiteName) {}

  private async script(...argv: string[]): Promise<string> {
    const ended = await run(["bash", ...argv], { timeoutMs: 1_800_000 });
    if (ended.code !== 0) throw new Error(`${argv.join(" ")}: ${ended.stderr}`);
    return ended.stdout.toString();
  }

  /** Writes the files that bare.sh needs. They are fewer than those of `up`, and not timed. */
  private async prepare(): Promise<void> {
    const { lab } = readLab({ guests: [{ name: GUEST }] });
    const guest = lab?.guests[0];
    if (guest === undefined) throw new Error("the default configuration is faulty");
    const holder = `${STACK}.${GUEST}`;
    const reserved = await this.script(
      ...["scripts/host/ports.sh", "reserve", this.dataDir, holder, "0", "0"],
    );
    const [sshPort = 0, spicePort = 0] = reserved.trim().split(" ").map(Number);
    const created = await access.create({
      ...{ directory: this.folder, alias: NAME, hostName: "127.0.0.1", port: sshPort },
      ...{ user: GUEST_USER, screen: { title: NAME, port: spicePort } },
    });
    if (created.outs === undefined) throw new Error("no keys were created");
    const probed = JSON.parse(await this.script("scripts/host/kvm-probe.sh", CACHE_DIR)) as {
      acceleration: Acceleration;
    };
    const user = userData({
      hostname: GUEST,
      clientPublicKey: created.outs.clientPublicKey,
      hostPrivateKey: readFileSync(join(this.folder, ACCESS_FILES.host), "utf8"),
      hostPublicKey: created.outs.hostPublicKey,
      packages: [],
    });
    const at = `${this.dataDir}/${STACK}`;
    const definition = domainXml({
      ...{ name: NAME, stack: STACK, guest: GUEST, type: DOMAIN_TYPE[probed.acceleration] },
      ...{ memoryMiB: guest.memoryMiB, vcpus: guest.vcpus, mac: macAddress(STACK, GUEST) },
      ...{ disk: `${at}/pool/disk.qcow2`, seed: `${at}/pool/seed.iso` },
      serialLog: `${at}/log/${GUEST}.serial.log`,
      video: guest.video,
      spice: { ...guest.spice, port: spicePort },
      network: { mode: "user", sshPort },
      share: { path: `${at}/shares/${GUEST}`, tag: "share", readonly: false },
    });
    const write = (name: string, text: string): void =>
      writeFileSync(join(this.folder, name), text, { mode: 0o600 });
    write("user-data", user);
    write("meta-data", metaData(GUEST, user));
    write("domain.xml", definition);
  }

  private bare(verb: "up" | "down"): Promise<string> {
    const where = [this.folder, NAME, this.dataDir, CACHE_DIR];
    return this.script("test/bench/bare.sh", verb, ...where, this.suite);
  }

  async up(): Promise<Phases> {
    await this.prepare();
    const begin = seconds();
    const text = await this.bare("up");
    const total = seconds() - begin;
    const at = new Map(text.split("\n").map((line) => line.split(" ") as [string, string]));
    const time = (step: string): number => Number(at.get(step));
    const fault = pictureFault(
      pictureFacts(readPicture(readFileSync(join(this.folder, "screen")))),
    );
    if (fault !== undefined) throw new Error(`the picture of the bare run: ${fault}`);
    return {
      total,
      login: time("booted") - time("started"),
      frame: time("frame") - time("booted"),
    };
  }

  async down(): Promise<void> {
    await this.bare("down");
  }

  async dispose(): Promise<void> {
    await this.down();
    rmSync(this.folder, { recursive: true, force: true });
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
