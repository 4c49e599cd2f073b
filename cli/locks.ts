/** Locks of the file backend: a killed run leaves its own behind. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { mirlabHome } from "../core/paths";
import { Refusal } from "./refusal";
import { say } from "./terminal";

const lockSchema = z.object({ pid: z.int().positive(), hostname: z.string() });

/** A run that holds a stack on this machine, or held it until it was killed. */
export interface Lock {
  readonly pid: number;
  readonly alive: boolean;
}

/** Whether a process of that number is there. */
const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

/**
 * Locks of this machine's processes in a folder. Those of other machines are theirs to judge; a file
 * that is no lock is none.
 */
export function locksIn(
  folder: string,
  machine = hostname(),
  alive: (pid: number) => boolean = isAlive,
): Lock[] {
  return namesIn(folder)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      const lock = lockSchema.safeParse(readJson(join(folder, name))).data;
      return lock === undefined || lock.hostname !== machine
        ? []
        : [{ pid: lock.pid, alive: alive(lock.pid) }];
    });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Undefined: not to be read, or cut off by a kill. */
function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** Removes the lock of a dead run by `cancel`. Throws while a living run holds the stack. */
export async function unlockDead(stack: string, cancel: () => Promise<void>): Promise<void> {
  // Another backend has locks of its own.
  if ((process.env.PULUMI_BACKEND_URL ?? "") !== "") return;
  const locks = locksIn(
    join(mirlabHome(), "state", ".pulumi", "locks", "organization", "mirlab", stack),
  );
  const living = locks.find(({ alive }) => alive);
  if (living !== undefined) {
    throw new Refusal({
      what: stack,
      found: `the stack in use by process ${living.pid}`,
      need: "a stack that no other run uses",
      fix: `wait for it, or end it: kill ${living.pid}`,
    });
  }
  const [dead] = locks;
  if (dead === undefined) return;
  say(`the run with pid ${dead.pid} was killed; removing its lock`);
  await cancel();
}
