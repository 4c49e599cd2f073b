/** A program that asks, and a test that types. */
import { ChildProcessWithoutNullStreams } from "node:child_process";

export interface Typed {
  readonly code: number;
  /** Both streams as they came, without carriage returns. */
  readonly text: string;
  /** How often the program asked. */
  readonly asked: number;
}

/** Types the answer each time that the program prints the prompt, until the program ends. */
export function answering(
  child: ChildProcessWithoutNullStreams,
  prompt: string,
  answer: string,
): Promise<Typed> {
  let text = "";
  let asked = 0;
  const hear = (chunk: Buffer): void => {
    text += chunk.toString();
    for (; asked < text.split(prompt).length - 1; asked++) child.stdin.write(`${answer}\n`);
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  return new Promise((resolve) =>
    child.on("close", (code) =>
      resolve({ code: code ?? -1, text: text.replaceAll("\r", ""), asked }),
    ),
  );
}
