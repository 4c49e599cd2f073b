// Shared by the toolchain tests: a sandbox, a release server on loopback, archives of the vendor's
// layout.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { crc32, gzipSync } from "node:zlib";

export const root = path.resolve(__dirname, "..", "..");
export const version = "3.276.0";

const goArch = process.arch === "arm64" ? "arm64" : "amd64";
const cliArch = process.arch === "arm64" ? "arm64" : "x64";

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A directory of its own for one test: home, cache, PATH and temporary files. */
export class Sandbox {
  readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), "toolchain-test-"));
  readonly home = path.join(this.dir, "home");
  readonly cache = path.join(this.dir, "cache");
  readonly bin = path.join(this.dir, "bin");
  /** The tree under test: the real one, or a copy that a test may edit. */
  tree = root;

  constructor() {
    fs.mkdirSync(this.bin);
  }

  /** Copies the toolchain's sources, so that a test can change them. */
  copyTree(): void {
    this.tree = path.join(this.dir, "tree");
    for (const part of ["bin/pulumi", "toolchain"]) {
      fs.cpSync(path.join(root, part), path.join(this.tree, part), { recursive: true });
    }
  }

  executable(name: string, script: string): void {
    fs.writeFileSync(path.join(this.bin, name), script, { mode: 0o755 });
  }

  env(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    return {
      HOME: this.dir,
      PATH: `${this.bin}:/usr/bin:/bin`,
      MIRLAB_HOME: this.home,
      MIRLAB_CACHE: this.cache,
      ...extra,
    };
  }

  /** Runs bin/pulumi in a folder (default: the tree), and waits for its end. */
  pulumi(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd?: string): Promise<Result> {
    return run(path.join(this.tree, "bin", "pulumi"), args, this.env(env), cwd ?? this.tree);
  }

  files(...below: string[]): string[] {
    const dir = path.join(this.dir, ...below);
    return fs.existsSync(dir) ? fs.readdirSync(dir).sort() : [];
  }

  remove(): void {
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

export function run(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd = os.tmpdir(),
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/**
 * A CLI that answers `version`, and otherwise prints the environment that it got from bin/pulumi.
 */
export function fakeCli(of: string = version): string {
  return `#!/bin/sh\nif [ "$1" = version ]; then echo v${of}; else env; fi\n`;
}

export interface Entry {
  readonly name: string;
  readonly content?: string;
  readonly linkTo?: string;
}

export function tarGz(entries: readonly Entry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const entry of entries) {
    const content = Buffer.from(entry.content ?? "");
    const header = Buffer.alloc(512);
    header.write(entry.name, 0);
    header.write("0000755\0", 100);
    header.write("0000000\0", 108);
    header.write("0000000\0", 116);
    header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write("        ", 148);
    header.write(entry.linkTo === undefined ? "0" : "2", 156);
    header.write(entry.linkTo ?? "", 157);
    header.write("ustar\0" + "00", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    blocks.push(header, content, Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

export function zip(name: string, text: string): Buffer {
  const content = Buffer.from(text);
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt32LE(crc32(content), 10);
  common.writeUInt32LE(content.length, 14);
  common.writeUInt32LE(content.length, 18);
  common.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, Buffer.from(name), content]);
  const central = Buffer.concat([
    Buffer.from("PK\x01\x02\x14\x00"),
    common,
    Buffer.alloc(14),
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}

export const archives = {
  cli: `pulumi-v${version}-linux-${cliArch}.tar.gz`,
  command: `pulumi-resource-command-v1.2.1-linux-${goArch}.tar.gz`,
  bridge: `pulumi-resource-terraform-provider-v1.1.0-linux-${goArch}.tar.gz`,
  libvirt: `terraform-provider-libvirt_0.8.3_linux_${goArch}.zip`,
};

const releases = {
  cli: `pulumi/pulumi/releases/download/v${version}`,
  command: "pulumi/pulumi-command/releases/download/v1.2.1",
  bridge: "pulumi/pulumi-terraform-provider/releases/download/v1.1.0",
  libvirt: "dmacvicar/terraform-provider-libvirt/releases/download/v0.8.3",
};

const checksumFiles = {
  cli: `pulumi-${version}-checksums.txt`,
  command: "pulumi-command_1.2.1_checksums.txt",
  bridge: "pulumi-terraform-provider_1.1.0_checksums.txt",
  libvirt: "terraform-provider-libvirt_0.8.3_SHA256SUMS",
};

export type Part = keyof typeof archives;
const parts: readonly Part[] = ["cli", "command", "bridge", "libvirt"];

export function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Serves releases in the vendor's layout; each test spoils one thing. */
export class ReleaseServer {
  readonly requests: string[] = [];
  readonly content: Record<Part, Buffer>;
  /** A checksums file that replaces the correct one. Undefined: the file is missing. */
  readonly checksums: Partial<Record<Part, string | undefined>> = {};
  /** Sent in place of the archive. */
  readonly sent: Partial<Record<Part, Buffer>> = {};
  /** Sends this many bytes of an archive and drops the connection, once. */
  cutOnceAfter: number | undefined;
  silent = false;
  private readonly server = http.createServer((request, response) =>
    this.answer(request, response),
  );

  constructor() {
    this.content = {
      cli: tarGz([
        { name: "pulumi/pulumi", content: fakeCli() },
        { name: "pulumi/pulumi-language-nodejs", content: "#!/bin/sh\n" },
        { name: "pulumi/pulumi-resource-pulumi-nodejs", content: "#!/bin/sh\n" },
      ]),
      command: tarGz([{ name: "pulumi-resource-command", content: "#!/bin/sh\n# command\n" }]),
      bridge: tarGz([
        { name: "pulumi-resource-terraform-provider", content: "#!/bin/sh\n# bridge\n" },
      ]),
      libvirt: zip("terraform-provider-libvirt_v0.8.3", "#!/bin/sh\n# libvirt\n"),
    };
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  archiveRequests(): string[] {
    return this.requests.filter((url) => /\.(tar\.gz|zip)/.test(url));
  }

  private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const url = (request.url ?? "").slice(1);
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    this.requests.push(from > 0 ? `${url}#${from}` : url);
    if (this.silent) {
      return;
    }
    for (const part of parts) {
      if (url === `${releases[part]}/${checksumFiles[part]}`) {
        const text = part in this.checksums ? this.checksums[part] : this.correct(part);
        response.writeHead(text === undefined ? 404 : 200).end(text);
        return;
      }
      if (url === `${releases[part]}/${archives[part]}`) {
        this.send(response, this.sent[part] ?? this.content[part], from);
        return;
      }
    }
    response.writeHead(404).end();
  }

  private correct(part: Part): string {
    return `${"0".repeat(64)}  another-file\n${sha256(this.content[part])}  ${archives[part]}\n`;
  }

  private send(response: http.ServerResponse, content: Buffer, from: number): void {
    if (this.cutOnceAfter !== undefined) {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, this.cutOnceAfter), () => response.destroy());
      this.cutOnceAfter = undefined;
      return;
    }
    if (from > 0) {
      response.setHeader("content-range", `bytes ${from}-${content.length - 1}/${content.length}`);
    }
    response.writeHead(from > 0 ? 206 : 200, { "content-length": content.length - from });
    response.end(content.subarray(from));
  }
}
