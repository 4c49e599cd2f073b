// The functions of facts.py, on this machine.
import assert from "node:assert/strict";
import { run } from "../../../core/exec.io";
import { scriptText } from "../../../core/link.io";

/** The value of a Python expression after the script's definitions. */
export async function valueOf(expression: string): Promise<unknown> {
  const text = scriptText("guest/facts.py").replace(/\nmain\(\)\s*$/, "\n");
  const ended = await run(["python3", "-I", "-S", "-"], {
    stdin: `${text}\nprint(json.dumps(${expression}))\n`,
  });
  assert.equal(ended.code, 0, ended.stderr);
  return JSON.parse(ended.stdout.toString()) as unknown;
}
