/** What the handlers of GuestKernel and GuestMesa have in common. */
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { RunResult } from "../../core/exec.io";
import { lookAtGuest } from "../guest/look.io";
import { failWithEvidence } from "../report/evidence.io";
import { pickSoftware, Software, SoftwareInputs, SoftwareProps } from "./software";

interface SoftwareHandler<Facts, Props> {
  /** What the software's script reports, as it is kept. Throws with the reason when it has told nothing. */
  readonly factsOf: (result: RunResult) => Facts;
  readonly planFor: (inputs: SoftwareInputs, facts: Facts) => { readonly words: string };
  /** Takes the plan's steps; `before`: what was kept, of an update. */
  readonly follow: (inputs: SoftwareInputs, before?: Props) => Promise<Props>;
}

/** The handler of the software's resource: looks by its script, and acts where its plan has something to do. */
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
    /** Looks without changing anything. What is to be done is told by `diff`: it knows the new gate. */
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
        console.log(`${news.name}: ${software}: only told: onDrift`);
        return { outs: { ...olds } };
      }
      return { outs: await converge(news, olds) };
    },
  };
}
