/** Names become domain, volume and unit names: lower case, digits, hyphens; 1 to 32 characters. */
export const NAME = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;
