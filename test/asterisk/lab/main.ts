import { RingpostError } from "../../../shared/errors.ts";
import { labProgram } from "./commands/program.ts";

try {
  await labProgram().parseAsync();
} catch (error) {
  if (!(error instanceof RingpostError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
