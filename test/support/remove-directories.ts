import { afterAll } from 'vitest';
import { removeTemporaryDirectories } from './temporary-directory.ts';

// In every test file, and last of its hooks: the processes that files run in are killed, not ended.
afterAll(removeTemporaryDirectories);
