/** The lab's name, which outlives a rename of its stack. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { labFolder, labsFolder } from "../../core/paths";

const OWNER = "stack";

const ownerFile = (lab: string): string => join(labFolder(lab), OWNER);

/** The stack that a lab's folder belongs to; undefined: the folder does not say. */
function ownerOf(lab: string): string | undefined {
  try {
    return readFileSync(ownerFile(lab), "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function labOwnedBy(stack: string): string | undefined {
  try {
    return readdirSync(labsFolder()).find((lab) => ownerOf(lab) === stack);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * The name in everything that the lab makes: folders, pool, network, domains, keys. It is the stack's
 * name at its first `up`. `recorded` is the name in the state; a lost state leaves the folder of the
 * keys. Throws where another stack has a lab of this name.
 */
export function labName(stack: string, recorded: string | undefined): string {
  if (recorded !== undefined) return recorded;
  const owner = ownerOf(stack);
  if (owner !== undefined && owner !== stack) {
    throw new Error(
      `stack ${stack}: found the lab '${stack}' in use by stack '${owner}', which was renamed; ` +
        `need a name of its own; fix: choose another stack name, or remove ${ownerFile(stack)} if stack '${owner}' is gone`,
    );
  }
  return owner ?? labOwnedBy(stack) ?? stack;
}

/** Notes in the lab's folder which stack it belongs to. */
export function claimLab(lab: string, stack: string): void {
  if (ownerOf(lab) === stack) return;
  mkdirSync(labFolder(lab), { recursive: true, mode: 0o700 });
  writeFileSync(ownerFile(lab), `${stack}\n`, { mode: 0o600 });
}
