/** The program of this project's side: domains by the lab's own component. */
import { readFileSync } from "node:fs";
import { DomainContract } from "../../../components/domain/contract.resource";
import { Values } from "./side";

for (const { spec, directory } of JSON.parse(readFileSync("values.json", "utf8")) as Values[]) {
  new DomainContract(spec.name, { spec, directory, onDrift: "heal" });
}
