// The code of every dynamic provider in a state loads its handler through this file. names.json
// maps the handler and property names of states to those of this checkout: states outlive renames.
"use strict";

require("../core/register.js");
const { join } = require("node:path");
const { handlers, properties } = require("./names.json");

// A killed engine leaves this process behind. Nobody reads its output then, and reporting a write
// error is another failing write: an endless loop that occupies a core.
const engine = process.ppid;
const alone = () => process.exit(1);
for (const stream of [process.stdout, process.stderr]) stream.on("error", alone);
setInterval(() => process.ppid === engine || alone(), 1000).unref();

/**
 * A failure with measurements (`properties`) replaces the resource's whole state. Without the
 * provider's code in them no later refresh or delete could run.
 */
const keepProvider =
  ({ __provider }) =>
  (error) => {
    if (error.properties !== undefined) error.properties = { ...error.properties, __provider };
    throw error;
  };

const rename = (props, pairs) =>
  pairs.reduce((renamed, [from, to]) => {
    if (renamed === undefined || !(from in renamed) || to in renamed) return renamed;
    const { [from]: value, ...rest } = renamed;
    return { ...rest, [to]: value };
  }, props);

exports.providerOf = (module) => {
  const handler = handlers[module];
  if (handler === undefined) {
    throw new Error(
      `${module}: found no handler of this name in io/names.json; need the version of the project that wrote the state, or a newer one; fix: use its checkout`,
    );
  }
  const { provider } = require(join("..", handler));
  const renames = Object.entries(properties[module] ?? {});
  const today = (props) => rename(props, renames);
  // Keep the state's property names: a renamed property would show as drift.
  const asKept = (props, kept) =>
    rename(
      props,
      renames
        .filter(([old, now]) => kept !== undefined && old in kept && !(now in kept))
        .map(([old, now]) => [now, old]),
    );
  return {
    ...provider,
    create: async (inputs) => provider.create(inputs).catch(keepProvider(inputs)),
    // Do not add methods that the handler lacks: Pulumi has its own defaults for them.
    ...(provider.check && {
      check: async (olds, news) => provider.check(today(olds), news),
    }),
    ...(provider.diff && {
      diff: async (id, olds, news) => provider.diff(id, today(olds), news),
    }),
    ...(provider.read && {
      read: async (id, kept) => {
        const { props, ...found } = await provider.read(id, today(kept));
        return { ...found, ...(props && { props: asKept(props, kept) }) };
      },
    }),
    ...(provider.update && {
      update: async (id, olds, news) =>
        provider.update(id, today(olds), news).catch(keepProvider(news)),
    }),
    ...(provider.delete && {
      delete: async (id, props) => provider.delete(id, today(props)),
    }),
  };
};
