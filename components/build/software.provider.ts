/** The common handler of GuestKernel and GuestMesa. */
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { RunResult } from "../../core/exec.io";
import { lookAtGuest } from "../guest/look.io";
import { failWithEvidence } from "../report/evidence.io";
import { pickSoftware, Software, SoftwareInputs, SoftwareProps } from "./software";

interface SoftwareHandler<Facts, Props> {
  /** The facts that the state keeps, from the script's output. Throws with the reason if it failed. */
  readonly factsOf: (result: RunResult) => Facts;
  readonly planFor: (inputs: SoftwareInputs, facts: Facts) => { readonly words: string };
  /** Executes the plan; `before`: the state before an update. */
  readonly follow: (inputs: SoftwareInputs, before?: Props) => Promise<Props>;
}

/** The handler: reads facts by the software's script, and executes its plan if there are steps. */
export function softwareProvider<Facts, Props extends SoftwareProps<Facts>>(
  software: Software,
  { factsOf, planFor, follow }: SoftwareHandler<Facts, Props>,
): pulumi.dynamic.ResourceProvider<SoftwareInputs, Props> {
  const converge = (inputs: SoftwareInputs, before?: Props): Promise<Props> =>
    follow(inputs, before).catch(failWithEvidence(dirname(inputs.guest.config), inputs));
  return {
    async create(inputs) {
      const outs = await converge(inputs);
      return { id: `${inputs.guest.alias}-${software}`, outs };
    },
    /** Reads without changing anything. `diff` prints the plan, because it knows the new inputs. */
    async read(id, props) {
      if (props === undefined) throw new Error(`${id}: cannot be imported`);
      try {
        const { result } = await lookAtGuest(props.guest, `${software}.py`);
        const facts = factsOf(result);
        const { words } = planFor(props, facts);
        return { id, props: { ...props, facts, status: words === "" ? "as decided" : "to do" } };
      } catch {
        return { id, props: { ...props, status: "unreachable" } };
      }
    },
    async diff(_id, olds, news) {
      const edited = !isDeepStrictEqual(pickSoftware(olds), pickSoftware(news));
      const { words } = planFor(news, olds.facts);
      if (words !== "") console.log(`${news.name}: ${words}`);
      return { changes: edited || (olds.status !== "unreachable" && words !== "") };
    },
    async update(_id, olds, news) {
      if (news.onDrift === "report" && isDeepStrictEqual(pickSoftware(olds), pickSoftware(news))) {
        console.log(`${news.name}: ${software}: only reported: onDrift is 'report'`);
        return { outs: { ...olds } };
      }
      return { outs: await converge(news, olds) };
    },
  };
}
