// The pack's entry. Pulumi would compile and type-check an entry in TypeScript at every start, which
// takes seconds of CPU.
require("../core/register.js");
require("./index.ts");
