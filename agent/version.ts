/** The version in package.json, here because the agent's binary carries no package.json. */
export const AGENT_VERSION = "0.1.0";
