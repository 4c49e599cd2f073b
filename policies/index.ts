/** The pack: one policy a file, one line each here. */
import { PolicyPack } from "@pulumi/policy";
import { readinessPresent } from "./readinessPresent";

new PolicyPack("mirlab", { policies: [readinessPresent] });
