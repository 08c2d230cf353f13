<?php
/**
 * A must-use plugin: a machine that runs other tests answers late.
 */

add_filter( 'opportune_limit_ms', function () { return 30000; } );
