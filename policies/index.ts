/** The pack: serves the policies to the engine. */
import { PolicyPack } from "@pulumi/policy";
import { POLICIES } from "./policies";

new PolicyPack("mirlab", { policies: [...POLICIES] });
