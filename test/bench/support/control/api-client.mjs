import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = new URL('../../../../dist/test/bench/support/control/api-process.js', import.meta.url);

/** The API server of a benchmark, in a process of its own. */
export class ApiClient {
  #process = fork(fileURLToPath(PROGRAM));
  #waiting = new Map();
  #nextId = 0;

  constructor() {
    this.#process.on('message', ({ id, answer }) => {
      this.#waiting.get(id)?.resolve(answer);
      this.#waiting.delete(id);
    });
    this.#process.once('exit', (code) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`the API process ended with ${code}`));
    });
  }

  /** Takes what api-process.ts says, gives what it answers. */
  ask(question) {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.send({ id, ...question });
    });
  }

  async close() {
    this.#process.disconnect();
    await once(this.#process, 'exit');
  }
}
