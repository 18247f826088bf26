"""Writes npy/*.npy: one array of codes in the shapes and types engine/tests/measure_tokens.rs reads.

Needs numpy. Run in this folder: python make_npy.py
"""

import numpy as np

# Small enough for every integer type: layer k, frame t holds 10 k + t.
codes = np.arange(3)[:, None] * 10 + np.arange(5)

np.save("npy/kt_int64.npy", codes.astype("<i8"))
np.save("npy/1kt_int64.npy", codes[None])
np.save("npy/k1t_int64.npy", codes[:, None])
np.save("npy/kt_fortran.npy", np.asfortranarray(codes))
np.save("npy/1kt_fortran.npy", np.asfortranarray(codes[None]))
np.save("npy/k1t_fortran.npy", np.asfortranarray(codes[:, None]))
for dtype in ["i1", "i2", "i4", "u1", "u2", "u4", "u8"]:
    np.save(f"npy/kt_{dtype}_little.npy", codes.astype("<" + dtype))
for dtype in ["i2", "i4", "i8", "u2", "u4", "u8"]:
    np.save(f"npy/kt_{dtype}_big.npy", codes.astype(">" + dtype))
np.save("npy/empty_16.npy", np.zeros((16, 0), "<i8"))
for version in [(2, 0), (3, 0)]:
    with open(f"npy/kt_version{version[0]}.npy", "wb") as file:
        np.lib.format.write_array(file, codes.astype("<i8"), version=version)

# Arrays that are not codes.
np.save("npy/bad_float64.npy", codes.astype("<f8"))
np.save("npy/bad_bool.npy", codes > 10)
np.save("npy/bad_text.npy", codes.astype("U2"))
np.save("npy/bad_record.npy", np.zeros((3, 5), dtype=[("code", "<i8")]))
np.save("npy/bad_rank1.npy", codes[0])
np.save("npy/bad_rank0.npy", codes[0, 0])
np.save("npy/bad_rank4.npy", codes[None, None])
np.save("npy/bad_batch.npy", np.stack([codes, codes]))
np.save("npy/bad_negative.npy", codes - 12)
np.save("npy/bad_large.npy", codes + 2**40)
np.save("npy/bad_no_layers.npy", np.zeros((0, 5), "<i8"))
