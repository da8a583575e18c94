import type { CommonOptions } from "./program.ts";

export async function rightsCommand(_options: CommonOptions): Promise<void> {}
