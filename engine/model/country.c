/*
 * A bit for each pair of letters.
 */
#include "model/country.h"

#define L(c) (UINT32_C(1) << ((c) - 'A'))

/* By first letter, the second ones. */
static const uint32_t assigned[26] = {
    ['A' - 'A'] = L('D') | L('E') | L('F') | L('G') | L('I') | L('L') | L('M') | L('O') | L('Q') | L('R') | L('S') |
                  L('T') | L('U') | L('W') | L('X') | L('Z'),
    ['B' - 'A'] = L('A') | L('B') | L('D') | L('E') | L('F') | L('G') | L('H') | L('I') | L('J') | L('L') | L('M') |
                  L('N') | L('O') | L('Q') | L('R') | L('S') | L('T') | L('V') | L('W') | L('Y') | L('Z'),
    ['C' - 'A'] = L('A') | L('C') | L('D') | L('F') | L('G') | L('H') | L('I') | L('K') | L('L') | L('M') | L('N') |
                  L('O') | L('R') | L('U') | L('V') | L('W') | L('X') | L('Y') | L('Z'),
    ['D' - 'A'] = L('E') | L('J') | L('K') | L('M') | L('O') | L('Z'),
    ['E' - 'A'] = L('C') | L('E') | L('G') | L('H') | L('R') | L('S') | L('T'),
    ['F' - 'A'] = L('I') | L('J') | L('K') | L('M') | L('O') | L('R'),
    ['G' - 'A'] = L('A') | L('B') | L('D') | L('E') | L('F') | L('G') | L('H') | L('I') | L('L') | L('M') | L('N') |
                  L('P') | L('Q') | L('R') | L('S') | L('T') | L('U') | L('W') | L('Y'),
    ['H' - 'A'] = L('K') | L('M') | L('N') | L('R') | L('T') | L('U'),
    ['I' - 'A'] = L('D') | L('E') | L('L') | L('M') | L('N') | L('O') | L('Q') | L('R') | L('S') | L('T'),
    ['J' - 'A'] = L('E') | L('M') | L('O') | L('P'),
    ['K' - 'A'] = L('E') | L('G') | L('H') | L('I') | L('M') | L('N') | L('P') | L('R') | L('W') | L('Y') | L('Z'),
    ['L' - 'A'] = L('A') | L('B') | L('C') | L('I') | L('K') | L('R') | L('S') | L('T') | L('U') | L('V') | L('Y'),
    ['M' - 'A'] = L('A') | L('C') | L('D') | L('E') | L('F') | L('G') | L('H') | L('K') | L('L') | L('M') | L('N') |
                  L('O') | L('P') | L('Q') | L('R') | L('S') | L('T') | L('U') | L('V') | L('W') | L('X') | L('Y') |
                  L('Z'),
    ['N' - 'A'] =
        L('A') | L('C') | L('E') | L('F') | L('G') | L('I') | L('L') | L('O') | L('P') | L('R') | L('U') | L('Z'),
    ['O' - 'A'] = L('M'),
    ['P' - 'A'] = L('A') | L('E') | L('F') | L('G') | L('H') | L('K') | L('L') | L('M') | L('N') | L('R') | L('S') |
                  L('T') | L('W') | L('Y'),
    ['Q' - 'A'] = L('A'),
    ['R' - 'A'] = L('E') | L('O') | L('S') | L('U') | L('W'),
    ['S' - 'A'] = L('A') | L('B') | L('C') | L('D') | L('E') | L('G') | L('H') | L('I') | L('J') | L('K') | L('L') |
                  L('M') | L('N') | L('O') | L('R') | L('S') | L('T') | L('V') | L('X') | L('Y') | L('Z'),
    ['T' - 'A'] = L('C') | L('D') | L('F') | L('G') | L('H') | L('J') | L('K') | L('L') | L('M') | L('N') | L('O') |
                  L('R') | L('T') | L('V') | L('W') | L('Z'),
    ['U' - 'A'] = L('A') | L('G') | L('M') | L('S') | L('Y') | L('Z'),
    ['V' - 'A'] = L('A') | L('C') | L('E') | L('G') | L('I') | L('N') | L('U'),
    ['W' - 'A'] = L('F') | L('S'),
    ['X' - 'A'] = L('K'),
    ['Y' - 'A'] = L('E') | L('T'),
    ['Z' - 'A'] = L('A') | L('M') | L('W'),
};

#undef L

bool country_read(struct bytes text, char out[3])
{
    if (bytes_alike(text, "uk"))
        text = bytes_text("gb");
    if (text.len != 2)
        return false;
    unsigned first = (unsigned)bytes_lower(text.at[0]) - 'a', second = (unsigned)bytes_lower(text.at[1]) - 'a';
    if (first >= 26 || second >= 26 || !(assigned[first] >> second & 1))
        return false;
    out[0] = (char)('A' + first);
    out[1] = (char)('A' + second);
    out[2] = 0;
    return true;
}
