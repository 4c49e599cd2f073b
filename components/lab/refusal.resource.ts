import * as pulumi from "@pulumi/pulumi";

/**
 * Ends the program with these lines and nothing else. A RunError is shown as it is; with a stack it
 * would first be inspected with everything that hangs on it, which takes half a minute (measured).
 */
export function refuse(...lines: readonly string[]): never {
  throw Object.assign(new pulumi.RunError(lines.join("\n")), { stack: undefined });
}
