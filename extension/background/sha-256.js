// @ts-check
/**
 * SHA-256 (FIPS 180-4) of bytes that come piece by piece. The browser's own digest takes whole buffers alone, and a clip may have 512 MiB.
 */

const BLOCK_BYTES = 64;
const ROUND_CONSTANTS = Int32Array.from(firstPrimes(64), (prime) => fractionBits(Math.cbrt(prime)));
const INITIAL_STATE = Int32Array.from(firstPrimes(8), (prime) => fractionBits(Math.sqrt(prime)));

export class Sha256 {
    #state = INITIAL_STATE.slice();
    #schedule = new Int32Array(64);
    #pending = new Uint8Array(BLOCK_BYTES);
    #pendingLength = 0;
    #lengthBytes = 0;

    /** @param {Uint8Array} bytes */
    update(bytes) {
        this.#lengthBytes += bytes.length;
        const offset = this.#pendingLength > 0 ? this.#fillPending(bytes) : 0;
        const whole = bytes.length - ((bytes.length - offset) % BLOCK_BYTES);
        if (whole > offset) compress(this.#state, this.#schedule, bytes.subarray(offset, whole));
        this.#pending.set(bytes.subarray(whole), this.#pendingLength);
        this.#pendingLength += bytes.length - whole;
    }

    /** @returns {string}  hexadecimal; nothing can be added afterwards */
    digest() {
        const lengthBytes = this.#lengthBytes;
        const zeros = (BLOCK_BYTES + 55 - (lengthBytes % BLOCK_BYTES)) % BLOCK_BYTES;
        const ending = new Uint8Array(1 + zeros + 8);
        ending[0] = 0x80;
        new DataView(ending.buffer).setBigUint64(1 + zeros, BigInt(lengthBytes) * 8n);
        this.update(ending);
        return Array.from(this.#state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
    }

    /**
     * @param {Uint8Array} bytes
     * @returns {number}  how many of them were taken
     */
    #fillPending(bytes) {
        const count = Math.min(BLOCK_BYTES - this.#pendingLength, bytes.length);
        this.#pending.set(bytes.subarray(0, count), this.#pendingLength);
        this.#pendingLength += count;
        if (this.#pendingLength < BLOCK_BYTES) return count;
        compress(this.#state, this.#schedule, this.#pending);
        this.#pendingLength = 0;
        return count;
    }
}

/**
 * @param {Int32Array} state
 * @param {Int32Array} w  room for 64 words
 * @param {Uint8Array} blocks  whole ones
 */
function compress(state, w, blocks) {
    const k = ROUND_CONSTANTS;
    for (let offset = 0; offset < blocks.length; offset += BLOCK_BYTES) {
        schedule(w, blocks, offset);
        let a = state[0];
        let b = state[1];
        let c = state[2];
        let d = state[3];
        let e = state[4];
        let f = state[5];
        let g = state[6];
        let h = state[7];
        for (let i = 0; i < 64; i += 1) {
            const sumE = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
            const one = (h + sumE + (g ^ (e & (f ^ g))) + k[i] + w[i]) | 0;
            const sumA = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
            const two = (sumA + ((a & b) | (c & (a | b)))) | 0;
            h = g;
            g = f;
            f = e;
            e = (d + one) | 0;
            d = c;
            c = b;
            b = a;
            a = (one + two) | 0;
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
        state[5] += f;
        state[6] += g;
        state[7] += h;
    }
}

/**
 * @param {Int32Array} w
 * @param {Uint8Array} blocks
 * @param {number} offset
 */
function schedule(w, blocks, offset) {
    for (let i = 0, at = offset; i < 16; i += 1, at += 4) {
        w[i] = (blocks[at] << 24) | (blocks[at + 1] << 16) | (blocks[at + 2] << 8) | blocks[at + 3];
    }
    for (let i = 16; i < 64; i += 1) {
        const x = w[i - 15];
        const y = w[i - 2];
        const low = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const high = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        w[i] = (w[i - 16] + low + w[i - 7] + high) | 0;
    }
}

/** @param {number} count */
function firstPrimes(count) {
    /** @type {number[]} */
    const primes = [];
    for (let candidate = 2; primes.length < count; candidate += 1) {
        if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
    }
    return primes;
}

/**
 * The first 32 bits of a number's fraction.
 * @param {number} value
 */
function fractionBits(value) {
    return ((value - Math.floor(value)) * 2 ** 32) | 0;
}
