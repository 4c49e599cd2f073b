/** The pack: starts the policies for the engine. */
import { PolicyPack } from "@pulumi/policy";
import { POLICIES } from "./policies";

new PolicyPack("mirlab", { policies: [...POLICIES] });
