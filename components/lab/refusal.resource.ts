import * as pulumi from "@pulumi/pulumi";

/**
 * Ends the program with these lines and nothing else. Pulumi prints a RunError as it is; with a stack
 * trace it would first inspect everything that the error refers to, for half a minute (measured).
 */
export function refuse(...lines: readonly string[]): never {
  throw Object.assign(new pulumi.RunError(lines.join("\n")), { stack: undefined });
}
