/** Places where a text of the configuration or a guest enters another language, and their escapes. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { parse as parseYaml } from "yaml";
import { metaData, userData } from "../../components/domain/cloudInit";
import { escapeHtml } from "../../core/html";
import { imageUrlFault } from "../../config/imageUrl";
import { NAME } from "../../config/names";
import { plainText, visible } from "../../core/plainText";
import { shellLine } from "../../core/quote";
import { sharePathFault } from "../../config/sharePath";
import { sshConfigBlock } from "../../core/sshConfig";
import { viewerFile } from "../../components/access/viewer";
import { CANARY, DIR, hostile, hostileWord, near } from "./hostile";
import { LAB_SINKS } from "./labSinks";
import { LACKS_PYTHON_YAML, readByPyYaml } from "./readers";
import { accepted, each, run, Sink } from "./sink";
import { XML_SINKS } from "./xmlSinks";

function shell(program: "bash" | "sh"): Sink {
  return {
    id: `shellLine, run by ${program}`,
    escape: "another argument list than given, or the canary",
    batch: 100,
    input: hostileWord,
    escaped(cases) {
      const print = 'print() { printf "%s\\0" "$#" "$@"; }\n';
      const lines = cases.map((text) => `print ${shellLine([text, "end", text])}\n`).join("");
      const read = run(program, ["-s"], print + lines).split("\0");
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
/** What OpenSSH reads from a configuration: the identity files, and all other settings. */
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
  ...LAB_SINKS,
  ...XML_SINKS,
  shell("bash"),
  shell("sh"),
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
  {
    id: "userData, read by PyYAML, which cloud-init uses",
    escape: "another key, or a changed value",
    batch: 100,
    input: hostileWord,
    lacks: LACKS_PYTHON_YAML,
    escaped(cases) {
      const fit = cases.filter((text) => accepted(() => bootOf(text)) !== undefined);
      const read = readByPyYaml(fit.map(bootOf));
      return fit.filter((text, i) => bootEscapes(read[i], text));
    },
  },
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
      // ssh prints a repeated path only once.
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
    escape: "an accepted path that means another one, a folder with keys, or a system folder",
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
      "an accepted URL with credentials, another scheme, plain http off loopback, or shell or XML characters",
    batch: 50,
    input: near(URLS),
    escaped: each((text) => {
      if (imageUrlFault(text) !== undefined) return false;
      const { protocol, hostname, username, password } = new URL(text);
      const near = ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
      return (
        !(protocol === "https:" || (protocol === "http:" && near)) ||
        username + password !== "" ||
        /[^!-~]|['"<>\\^`{|}]/.test(text)
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
  {
    id: "visible, on one line of a terminal",
    escape: "a control character, a line end, or a lost character",
    batch: 50,
    input: hostile,
    escaped: each((text) => {
      const shown = visible(text);
      return CONTROL.test(shown) || /[\t\n]/.test(shown) || shown.length < text.length;
    }),
  },
];
