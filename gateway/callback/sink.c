#include "gateway/callback/callback.h"
