#include <criterion/criterion.h>

#include <stdlib.h>

#include "base/file.h"
#include "base/philox.h"
#include "base/sha256.h"
#include "base/sha256_internal.h"
#include "tests/support/folder.h"

// FIPS 180-4's examples and NIST's million letters.
Test(sha256, gives_the_known_answers)
{
    static const struct {
        const char *text;
        const char *hex;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnop"
         "qrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char hex[SHA256_HEX_SIZE];
        sha256_of(slice_from_cstr(cases[k].text), hex);
        cr_assert_str_eq(hex, cases[k].hex);
    }
}

Test(sha256, of_a_million_letters_in_any_pieces)
{
    static char letters[1000000];
    memset(letters, 'a', sizeof letters);
    for (size_t piece = 1; piece <= sizeof letters; piece = piece * 7 + 1) {
        Sha256 hash;
        sha256_init(&hash);
        Slice rest = {letters, sizeof letters};
        while (rest.len > 0) {
            Slice head = slice_sub(rest, 0, piece);
            sha256_update(&hash, head);
            rest = slice_sub(rest, piece, rest.len);
        }
        unsigned char digest[32];
        char hex[SHA256_HEX_SIZE];
        sha256_finish(&hash, digest);
        sha256_hex(digest, hex);
        cr_assert_str_eq(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
                         "in pieces of %zu", piece);
    }
}

// Runs one compression over known blocks: FIPS 180-4's "abc", padded by hand.
static void expect_abc(Sha256Compress *compress, const char *name)
{
    unsigned char block[64] = {'a', 'b', 'c', 0x80};
    block[63] = 24;
    Sha256 hash;
    sha256_init(&hash);
    compress(hash.state, block, 1);
    cr_assert_eq(hash.state[0], 0xba7816bfu, "%s", name);
    cr_assert_eq(hash.state[7], 0xf20015adu, "%s", name);
}

Test(sha256, portable_compression_gives_the_known_answer)
{
    expect_abc(sha256_compress_portable, "portable");
}

Test(sha256, extensions_agree_with_the_portable_compression)
{
    if (!sha256_has_extensions()) cr_skip_test("the processor has no SHA extensions");
    expect_abc(sha256_compress_extensions, "extensions");
    Philox rng = philox_stream(3, 4);
    unsigned char blocks[64 * 9];
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof blocks; i++) blocks[i] = (unsigned char)philox_u32(&rng);
        Sha256 a;
        sha256_init(&a);
        Sha256 b = a;
        const size_t n_blocks = (size_t)round % 10;
        sha256_compress_portable(a.state, blocks, n_blocks);
        sha256_compress_extensions(b.state, blocks, n_blocks);
        cr_assert_arr_eq(a.state, b.state, sizeof a.state, "round %d", round);
    }
}

Test(sha256, fields_cannot_run_into_each_other)
{
    unsigned char a[32], b[32];
    Sha256 hash;
    sha256_init(&hash);
    sha256_update_field(&hash, SLICE("ab"));
    sha256_update_field(&hash, SLICE("c"));
    sha256_finish(&hash, a);
    sha256_init(&hash);
    sha256_update_field(&hash, SLICE("a"));
    sha256_update_field(&hash, SLICE("bc"));
    sha256_finish(&hash, b);
    cr_assert_neq(memcmp(a, b, sizeof a), 0);
}

Test(sha256, hashes_a_file)
{
    const char *folder = folder_make();
    const char *path = folder_path(folder, "abc");
    char hex[SHA256_HEX_SIZE];
    Error err = {0};
    cr_assert_eq(file_write(path, SLICE("abc"), &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(sha256_file(path, hex, &err), STATUS_OK, "%s", err.text);
    cr_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    cr_assert_eq(sha256_file(folder_path(folder, "none"), hex, &err), STATUS_NOT_FOUND);
    cr_assert_eq(sha256_file(folder, hex, &err), STATUS_IO);
    cr_assert_not_null(strstr(err.text, folder));
    folder_remove(folder);
}
