/** Runs scripts of this project on the lab host or in a guest. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { lastLine } from "./plainText";
import { shellLine } from "./quote";
import { englishWords } from "./environment";
import { run, RunOptions, RunResult } from "./exec.io";
import { libvirtOf, sshOf, SshTarget, Target } from "./target";

/** Libraries whose text goes before a script: a script on standard input cannot source files. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  "guest/facts.py": ["guest/facts-probes.py"],
  "guest/session.sh": ["guest/mir-tests.sh", "guest/mir-outputs.sh", "guest/session-lomiri.sh"],
  "guest/kernel.sh": ["guest/apt.sh"],
  "guest/mesa.sh": ["guest/apt.sh", "guest/mir-tests.sh"],
  "guest/build.sh": ["build/confine.sh", "guest/disk.sh"],
  "guest/heal.sh": ["guest/disk.sh"],
  "host/heal.sh": ["host/lib.sh", "host/virsh.sh"],
  "host/orphan.sh": ["host/lib.sh", "host/virsh.sh"],
  "host/guest-network.sh": ["host/lib.sh", "host/virsh.sh"],
  "host/packages.sh": ["host/lib.sh", "host/apt-way.sh"],
  "host/image-build.sh": [
    ...["host/lib.sh", "host/apt-way.sh", "host/image-cache.sh"],
    ...["host/image-suites.sh", "host/image-recipe.sh"],
  ],
  "host/image-install.sh": [
    ...["host/lib.sh", "host/apt-way.sh", "host/image-cache.sh"],
    ...["host/cpio.sh", "host/image-answers.sh"],
  ],
  "host/kvm-probe.sh": ["host/lib.sh", "host/cpio.sh"],
  "host/seed.sh": ["host/lib.sh", "host/apt-way.sh"],
  "host/build.sh": [
    ...["host/lib.sh", "host/apt-way.sh", "build/confine.sh"],
    ...["host/build-root.sh", "host/build-source.sh", "host/build-distcc.sh"],
  ],
};

const librariesOf = (name: string): readonly string[] =>
  LIBRARIES[name] ?? (name.startsWith("host/") ? ["host/lib.sh"] : []);

/**
 * The text of `scripts/<name>` for standard input, with its libraries before it. The working
 * directory has to be the project's.
 */
export function scriptText(name: string): string {
  return [...librariesOf(name), name]
    .map((file) => readFileSync(join("scripts", file), "utf8"))
    .join("");
}

/** Seconds for a connection: under load an emulated host needs 20 and more for a login. */
const CONNECT_S = 30;

/** Milliseconds for a login and a short command. */
export const LOGIN_MS = (CONNECT_S + 10) * 1000;

/** argv of a non-interactive ssh to a host, up to the host's name. */
export function sshArgv({ config, alias }: SshTarget, options: readonly string[] = []): string[] {
  const batch = ["-o", "BatchMode=yes", "-o", `ConnectTimeout=${CONNECT_S}`];
  const alive = ["-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3"];
  return ["ssh", "-F", config, ...batch, ...alive, ...options, "--", alias];
}

/** argv that runs `words` at the target. */
export function targetArgv(target: Target, words: readonly string[]): string[] {
  const ssh = sshOf(target);
  return ssh === undefined ? [...words] : [...sshArgv(ssh), shellLine(words)];
}

/**
 * ssh's messages of a connection that was not made: nothing has run at the other end. `Connection refused` is not
 * among them: the other end has answered.
 */
const NOT_MADE =
  /banner exchange|kex_exchange_identification|Connection timed out|Connection (?:reset|closed) by \S+ port \d+/;

/** Seconds before each further try. */
const PAUSES_S = [1, 4, 10];

/**
 * Runs `words` at a target. A connection that was not made is tried again after each of the pauses, and each
 * further try is reported. One that breaks later is not: the words may have done something.
 */
export async function runAt(
  target: Target,
  words: readonly string[],
  options: RunOptions = {},
  pausesS: readonly number[] = PAUSES_S,
): Promise<RunResult> {
  const once = (): Promise<RunResult> => run(targetArgv(target, words), options);
  let result = await once();
  const alias = sshOf(target)?.alias;
  if (alias === undefined) return result;
  // The first try has read or closed a stream.
  const hasStream = options.stdout !== undefined || options.stdin instanceof Readable;
  for (const [i, pause] of hasStream ? [] : pausesS.entries()) {
    if (result.timedOut || result.code !== 255 || !NOT_MADE.test(result.stderr)) break;
    const why = lastLine(result.stderr);
    console.log(`${alias}: found no connection (${why}); try ${i + 2} of ${pausesS.length + 1}`);
    await sleep(pause * 1000);
    result = await once();
  }
  return withWords(result, alias);
}

/** ssh ends without a word where the other end no longer answers. */
function withWords(result: RunResult, alias: string): RunResult {
  if (result.code !== 255 || result.stderr.trim() !== "") return result;
  return { ...result, stderr: `the connection to ${alias} broke: it no longer answers` };
}

const rootWords = (sudo: boolean): string[] => (sudo ? ["sudo", "-n"] : []);

/**
 * The command of a Command resource: it reads a script from standard input, as the login user or as root by
 * sudo. It is kept in the state: other words are a change of every lab.
 */
export function scriptWords(args: readonly string[], sudo = false): string[] {
  return [...rootWords(sudo), "bash", "-s", "--", ...args];
}

/**
 * The command that runs a script with English messages. The text is an argument where standard input
 * carries data. Python ignores environment variables and site-packages. After sudo: its PAM session may
 * set the locale again.
 */
function runWords(
  name: string,
  text: string | undefined,
  args: readonly string[],
  sudo: boolean,
): string[] {
  const python = ["python3", "-I", "-S", ...(text === undefined ? ["-"] : ["-c", text])];
  const bash = ["bash", ...(text === undefined ? ["-s", "--"] : ["-c", text, name])];
  const reader = name.endsWith(".py") ? python : bash;
  return [...rootWords(sudo), ...englishWords(), ...reader, ...args];
}

/** How to run a script at a target. */
export interface ScriptOptions extends RunOptions {
  /** The script's environment, wherever it runs. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** argv words that set variables for the words after them; none for no variables. */
export function settingWords(settings: Readonly<Record<string, string>>): string[] {
  const words = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  return words.length === 0 ? [] : ["env", ...words];
}

function runScript(
  target: Target,
  [folder, name]: readonly [folder: "host" | "guest", name: string],
  args: readonly string[],
  { settings, ...options }: ScriptOptions,
  sudo: boolean,
): Promise<RunResult> {
  const text = scriptText(`${folder}/${name}`);
  // A script on this machine calls sudo, which gives its ticket to this session alone.
  const how = { ...options, sharesSession: sshOf(target) === undefined };
  // Scripts that ask virsh know the system's libvirt by themselves.
  const libvirt: Record<string, string> =
    target?.session === true ? { MIRLAB_LIBVIRT: libvirtOf(target) } : {};
  const own = settingWords({ ...libvirt, ...settings });
  const words = (sent?: string): string[] => [...own, ...runWords(name, sent, args, sudo)];
  // A guest may be off; its host is needed for everything.
  const pauses = folder === "host" ? PAUSES_S : PAUSES_S.slice(0, 1);
  return options.stdin === undefined
    ? runAt(target, words(), { ...how, stdin: text }, pauses)
    : runAt(target, words(text), how, pauses);
}

/**
 * Runs `scripts/host/<name>` on the lab host; it calls sudo itself where it needs root. The script
 * is sent on standard input, or on the command line when standard input carries data.
 */
export function runOnHost(
  host: Target,
  name: string,
  args: readonly string[],
  options: ScriptOptions = {},
): Promise<RunResult> {
  return runScript(host, ["host", name], args, options, false);
}

/** Runs `scripts/guest/<name>` in a guest as root, sent in the same way as `runOnHost` does. */
export function runInGuest(
  guest: SshTarget,
  name: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  return runScript(guest, ["guest", name], args, options, guest.root !== true);
}

/** Why the ssh connection itself failed (exit 255, timeout); undefined when it did not. */
export function connectionFault(result: RunResult): "refused-key" | "unreachable" | undefined {
  if (result.timedOut) return "unreachable";
  if (result.code !== 255) return undefined;
  const changed = /Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/;
  return changed.test(result.stderr) ? "refused-key" : "unreachable";
}
