// The pack's entry: Pulumi would load and check the types of a pack in TypeScript at every start, for
// seconds of CPU each.
require("../core/register.js");
require("./index.ts");
