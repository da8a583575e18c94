import type { CommonOptions } from "./program.ts";

export async function loadCommand(_options: CommonOptions, _seconds: number): Promise<void> {}
