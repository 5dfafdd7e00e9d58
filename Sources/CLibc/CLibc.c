/// CLibc is headers, and the one piece of static storage that Swift cannot lay out.
#include "CLibc.h"

static char reader_state[ROSTER_READER_BYTES] __attribute__((aligned(4096)));

void *roster_reader_state(void) { return reader_state; }
