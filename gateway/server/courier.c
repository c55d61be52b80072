#include "gateway/server/stores.h"
