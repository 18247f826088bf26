/* bcryptprimitives.dll for tests under Wine 8 and older, which lack it: Rust's standard library imports
   ProcessPrng from it. Windows has its own; this one is never shipped. */

/* RtlGenRandom, under the name that advapi32 exports it by. */
unsigned char __stdcall SystemFunction036(void *buffer, unsigned long length);

__declspec(dllexport) int __stdcall ProcessPrng(unsigned char *buffer, unsigned long long length)
{
    while (length > 0) {
        unsigned long piece = length > 0x10000000 ? 0x10000000 : (unsigned long)length;
        if (!SystemFunction036(buffer, piece))
            return 0;
        buffer += piece;
        length -= piece;
    }
    return 1;
}
