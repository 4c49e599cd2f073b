/** Where a text of the configuration or of a guest gets into another language, and what an escape is. */
import { execFileSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join, normalize } from "node:path";
import fc from "fast-check";
import { parse as parseYaml } from "yaml";
import { metaData, userData } from "../../lib/cloudInit";
import { domainXml, DomainSpec } from "../../lib/domainXml";
import { escapeHtml } from "../../lib/html";
import { imageUrlFault } from "../../lib/imageUrl";
import { NAME } from "../../lib/names";
import { plainText } from "../../lib/plainText";
import { shellLine } from "../../lib/quote";
import { sharePathFault } from "../../lib/sharePath";
import { sshConfigBlock } from "../../lib/sshConfig";
import { viewerFile } from "../../lib/viewer";
import { fromXml } from "../../lib/xml";
import { xsltAppending } from "../../lib/xslt";
import { CANARY, DIR, hostile, hostileWord, near } from "./hostile";

export interface Sink {
  readonly id: string;
  /** How an escape is recognised. */
  readonly escape: string;
  /** Cases that are tried together: one process for all of them. */
  readonly batch: number;
  readonly input: fc.Arbitrary<string>;
  /** Those that got out. */
  escaped(cases: readonly string[]): string[];
}

/** What a function makes of a text, or undefined where it refuses it. */
function accepted<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

const run = (program: string, args: readonly string[], input = ""): string =>
  execFileSync(program, args, { input, cwd: DIR, maxBuffer: 1 << 28, encoding: "utf8" });

function shell(program: "bash" | "sh"): Sink {
  return {
    id: `shellLine, run by ${program}`,
    escape: "another argument list than given, or the canary",
    batch: 100,
    input: hostileWord,
    escaped(cases) {
      const tell = 'tell() { printf "%s\\0" "$#" "$@"; }\n';
      const lines = cases.map((text) => `tell ${shellLine([text, "end", text])}\n`).join("");
      const read = run(program, ["-s"], tell + lines).split("\0");
      const wrong = cases.filter((text, i) => {
        const [count, ...words] = read.slice(4 * i, 4 * i + 4);
        return count !== "3" || words[0] !== text || words[1] !== "end" || words[2] !== text;
      });
      const ran = existsSync(CANARY);
      rmSync(CANARY, { force: true });
      return ran && wrong.length === 0 ? [...cases] : wrong;
    },
  };
}

const each =
  (escapes: (text: string) => boolean) =>
  (cases: readonly string[]): string[] =>
    cases.filter(escapes);

const SPEC: DomainSpec = {
  ...{ name: "N", stack: "S", guest: "G", type: "qemu", memoryMiB: 2048, vcpus: 2 },
  ...{ mac: "52:54:00:01:02:03", disk: "D", seed: "E", serialLog: "L" },
  video: { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 },
  spice: { port: 5901, clipboard: false, fileTransfer: false },
  network: { mode: "user", sshPort: 20022 },
  share: { path: "P", tag: "T", readonly: true },
};

type Node = ReturnType<typeof fromXml>["documentElement"];

/** Names of all elements and attributes, in order, and where a text is found. */
function shape(xml: string, text: string): { names: string; hits: number } {
  const names: string[] = [];
  let hits = 0;
  const walk = (node: NonNullable<Node>): void => {
    names.push(`<${node.nodeName}`);
    for (const attribute of Array.from(node.attributes)) {
      names.push(attribute.name);
      if (attribute.value === text) hits += 1;
    }
    for (const child of Array.from(node.childNodes)) {
      if (child.nodeType === 1) walk(child as NonNullable<Node>);
      else if (child.nodeType !== 3) names.push(`?${child.nodeType}`);
    }
    names.push(">");
  };
  const root = fromXml(xml).documentElement;
  if (root !== null) walk(root);
  return { names: names.join(" "), hits };
}

const domainOf = (text: string): string =>
  domainXml({
    ...{ ...SPEC, disk: text, seed: text, serialLog: text },
    share: { path: text, tag: text, readonly: true },
  });
const PLAIN_DOMAIN = shape(domainOf("/plain"), "/plain");

/** Every document of a text in one go through a reader of another make. */
function readByPython(documents: readonly string[]): unknown[] {
  const program =
    "import json,sys,yaml\n" +
    "def read(d):\n" +
    "  try: return yaml.safe_load(d)\n" +
    "  except Exception: return {}\n" +
    "print(json.dumps([read(d) for d in json.load(sys.stdin)], default=repr))";
  return JSON.parse(run("python3", ["-c", program], JSON.stringify(documents))) as unknown[];
}
const hasPythonYaml = accepted(() => run("python3", ["-c", "import yaml"])) !== undefined;

const BOOT = { hostname: "mir", hostPublicKey: "ssh-ed25519 B", packages: [] };
const bootOf = (text: string): string =>
  userData({ ...BOOT, hostPrivateKey: text, clientPublicKey: text, packages: [text] });

interface UserData {
  readonly ssh_keys?: { readonly ed25519_private?: unknown };
  readonly users?: readonly { readonly ssh_authorized_keys?: readonly unknown[] }[];
  readonly packages?: readonly unknown[];
}
const BOOT_KEYS = Object.keys(parseYaml(bootOf("plain")) as object).join(" ");

function bootEscapes(read: unknown, text: string): boolean {
  const data = read as UserData;
  return (
    Object.keys(data).join(" ") !== BOOT_KEYS ||
    data.ssh_keys?.ed25519_private !== text ||
    data.users?.length !== 1 ||
    data.users[0]?.ssh_authorized_keys?.[0] !== text ||
    data.packages?.[0] !== text
  );
}

const sshBlock = (path: string): string =>
  sshConfigBlock({
    ...{ alias: "guest", hostName: "127.0.0.1", port: 22, user: "mir" },
    ...{ identityFile: path, knownHostsFile: "/plain" },
  });
/** What OpenSSH makes of a configuration: its identity files, and all the rest. */
function readBySsh(config: string): { files: string[]; rest: string } {
  const file = join(DIR, "ssh_config");
  writeFileSync(file, config);
  const lines = run("ssh", ["-G", "-F", file, "guest"]).split("\n");
  const isFile = (line: string): boolean => line.startsWith("identityfile ");
  return {
    files: lines.filter(isFile).map((line) => line.slice(13)),
    rest: lines.filter((line) => !isFile(line)).join("\n"),
  };
}

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/;

const PATHS = [
  "/",
  "srv",
  "mir",
  "..",
  ".",
  "//",
  "etc",
  "home",
  "ada",
  ".ssh",
  "var",
  "lib",
  "/srv/mir",
];
const URLS = [
  ...["https://", "http://", "HTTPS:", "//", "example.org", "127.0.0.1", "localhost", "/a.qcow2"],
  ...["user@", "u:p@", "@", "\\", "%0a", "?", "#", "[::1]", ".example.org", "\t", "\n"],
];

export const SINKS: readonly Sink[] = [
  shell("bash"),
  shell("sh"),
  {
    id: "domainXml, read by our parser",
    escape: "another set of elements or attributes, or a changed value",
    batch: 50,
    input: hostile,
    escaped: each((text) => {
      const xml = accepted(() => domainOf(text));
      if (xml === undefined) return false;
      const { names, hits } = shape(xml, text);
      return names !== PLAIN_DOMAIN.names || hits < PLAIN_DOMAIN.hits;
    }),
  },
  {
    id: "xsltAppending, run by xsltproc (libxml2)",
    escape: "another element, or a changed value",
    batch: 100,
    input: hostile,
    escaped(cases) {
      const fit = cases.filter(
        (text) => accepted(() => xsltAppending("/a", ["b", { c: text }, text])) !== undefined,
      );
      const sheet = join(DIR, "sheet.xsl");
      const children = fit.map((text) => ["b", { c: text }, ["d", {}, text]] as const);
      writeFileSync(sheet, xsltAppending("/a", ...children));
      const root = fromXml(run("xsltproc", ["--nonet", sheet, "-"], "<a/>")).documentElement;
      const found = Array.from(root?.childNodes ?? []);
      return fit.filter((text, i) => {
        const node = found[i] as NonNullable<Node>;
        const sole = node.childNodes.length === 1 && node.firstChild?.nodeName === "d";
        return (
          found.length !== fit.length ||
          !sole ||
          node.getAttribute("c") !== text ||
          node.textContent !== text
        );
      });
    },
  },
  {
    id: "userData, read by yaml as YAML 1.1",
    escape: "another key, or a changed value",
    batch: 50,
    input: hostile,
    escaped: each((text) => {
      const boot = accepted(() => bootOf(text));
      return boot !== undefined && bootEscapes(parseYaml(boot, { version: "1.1" }), text);
    }),
  },
  ...(hasPythonYaml
    ? [
        {
          id: "userData, read by PyYAML, which cloud-init uses",
          escape: "another key, or a changed value",
          batch: 100,
          input: hostileWord,
          escaped(cases: readonly string[]): string[] {
            const fit = cases.filter((text) => accepted(() => bootOf(text)) !== undefined);
            const read = readByPython(fit.map(bootOf));
            return fit.filter((text, i) => bootEscapes(read[i], text));
          },
        },
      ]
    : []),
  {
    id: "metaData, read by yaml",
    escape: "another key, or a changed value",
    batch: 50,
    input: hostile,
    escaped: each((text) => {
      const meta = accepted(() => metaData(text, "u"));
      if (meta === undefined) return false;
      const read = parseYaml(meta, { version: "1.1" }) as Record<string, unknown>;
      return Object.keys(read).length !== 2 || read["local-hostname"] !== text;
    }),
  },
  {
    id: "sshConfigBlock, read by ssh -G",
    escape: "another setting than with a plain path, or a changed path",
    batch: 40,
    input: hostileWord.map((text) => `/${text}`),
    escaped(cases) {
      // ssh tells a path once.
      const fit = [...new Set(cases)].filter(
        (text) => accepted(() => sshBlock(text)) !== undefined,
      );
      if (fit.length === 0) return [];
      const read = accepted(() => readBySsh(fit.map(sshBlock).join("")));
      if (read === undefined || read.rest !== readBySsh(sshBlock("/plain")).rest) return fit;
      return fit.filter(
        (text, i) => read.files[i] !== text && read.files[i] !== text.replaceAll("%", "%%"),
      );
    },
  },
  {
    id: "viewerFile, as a key file",
    escape: "another line",
    batch: 50,
    input: hostile,
    escaped: each((text) => {
      const screen = { title: text, address: text, subject: text, port: 5900 };
      const lines = viewerFile(screen, "ticket", "PEM").split("\n");
      return (
        lines.length !== 10 || lines.some((line, i) => i > 0 && i < 9 && !/^[a-z-]+=/.test(line))
      );
    }),
  },
  {
    id: "sharePathFault, by what the path means",
    escape: "an accepted path that means another one, or a folder with keys or of the system",
    batch: 50,
    input: near(PATHS),
    escaped: each(
      (text) =>
        sharePathFault(text) === undefined &&
        (normalize(text) !== text ||
          !text.startsWith("/") ||
          /^\/(etc|boot|dev|proc|sys|usr|root|run)(\/|$)|^\/(srv|home|var)?$|\/\.ssh(\/|$)/.test(
            text,
          )),
    ),
  },
  {
    id: "imageUrlFault, by what URL reads",
    escape:
      "an accepted URL with credentials, another scheme, plain http abroad, or shell and XML marks",
    batch: 50,
    input: near(URLS),
    escaped: each((text) => {
      if (imageUrlFault(text) !== undefined) return false;
      const { protocol, hostname, username, password } = new URL(text);
      const near = ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
      return (
        !(protocol === "https:" || (protocol === "http:" && near)) ||
        username + password !== "" ||
        /[\s'"<>\\]/.test(text)
      );
    }),
  },
  {
    id: "NAME, as a word of the shell, a file and a host",
    escape: "an accepted name with anything but a-z, 0-9 and inner hyphens",
    batch: 50,
    input: near(["a", "mir", "1", "-", "a-b", "\n", "A", ".", "x".repeat(31)]),
    escaped: each(
      (text) =>
        NAME.test(text) && (/[^a-z0-9-]/.test(text) || text.startsWith("-") || text.length > 32),
    ),
  },
  {
    id: "escapeHtml, in an element or attribute",
    escape: "a character that is markup",
    batch: 50,
    input: hostile,
    escaped: each((text) => /[<>"']|&(?!(amp|lt|gt|quot|#39);)/.test(escapeHtml(text))),
  },
  {
    id: "plainText, on a terminal",
    escape: "a control character",
    batch: 50,
    input: hostile,
    escaped: each((text) => CONTROL.test(plainText(text))),
  },
];
