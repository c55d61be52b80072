#include <malloc.h>

#include "gateway/sys/sys.h"

#define KEPT_BYTES  (1024 * 1024)
#define GROWS_BYTES (256 * 1024)

void
heap_keep(void)
{
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    mallopt(M_TOP_PAD, GROWS_BYTES);
}
