<?php
/**
 * Places: `[opportune slot="home-hero"]normal content[/opportune]`, and a block of the same.
 *
 * The server asks Opportune for the finished HTML and waits a quarter of a second at most, half a second for all
 * places of a page; else the normal content stands. Where pages are cached for everybody, the place is left to the
 * page itself.
 *
 * @package Opportune
 */

defined( 'ABSPATH' ) || exit;

class Opportune_Slots {

	const LIMIT_MS = 250;
	const PAGE_MS  = 500;

	private static $spent_ms   = 0;
	private static $is_private = false;

	public static function begin() {
		add_action( 'template_redirect', array( __CLASS__, 'look_ahead' ) );
		add_action( 'init', array( __CLASS__, 'register' ) );
	}

	public static function register() {
		add_shortcode( 'opportune', array( __CLASS__, 'show_shortcode' ) );
		if ( ! function_exists( 'register_block_type' ) ) {
			return;
		}
		wp_register_script( 'opportune-slot', plugins_url( 'block/slot.js', OPPORTUNE_FOLDER . '/opportune.php' ), array( 'wp-blocks', 'wp-element', 'wp-block-editor', 'wp-components' ), '0.1.0', true );
		register_block_type(
			'opportune/slot',
			array(
				'api_version'     => 2,
				'title'           => 'Opportune: place',
				'category'        => 'widgets',
				'icon'            => 'star-half',
				'description'     => 'A place that may show something else to some visitors. What stands inside is the normal content.',
				'attributes'      => array( 'slot' => array( 'type' => 'string', 'default' => '' ) ),
				'editor_script'   => 'opportune-slot',
				'render_callback' => array( __CLASS__, 'show_block' ),
			)
		);
	}

	public static function show_shortcode( $given, $content = '' ) {
		$given = shortcode_atts( array( 'slot' => '' ), $given, 'opportune' );
		return self::show( $given['slot'], do_shortcode( (string) $content ) );
	}

	public static function show_block( $attributes, $content = '' ) {
		return self::show( isset( $attributes['slot'] ) ? $attributes['slot'] : '', (string) $content );
	}

	/** The place with what this visitor gets. */
	public static function show( $slot, $normal ) {
		$slot = sanitize_title( $slot );
		if ( '' === $slot ) {
			return $normal;
		}
		if ( ! self::may_fill() || ! self::is_private() ) {
			return sprintf( '<div data-slot="%s">%s</div>', esc_attr( $slot ), $normal );
		}
		list( $html, $token ) = self::ask( $slot );
		if ( false !== strpos( (string) $html, 'data-decision=' ) ) {
			return $html;
		}
		// By its token the page script knows the place as decided, and reports who saw it.
		$decided = '' === $token ? 'class="opportune-slot"' : sprintf( 'data-slot="%s" data-decision="%s"', esc_attr( $slot ), esc_attr( $token ) );
		return "<div $decided>" . ( null === $html ? $normal : $html ) . '</div>';
	}

	/** A page with a place of this visitor's own says so before it begins, so that no cache keeps it. */
	public static function look_ahead() {
		$content = is_singular() ? (string) get_post_field( 'post_content', get_queried_object_id() ) : '';
		if ( ( has_shortcode( $content, 'opportune' ) || has_block( 'opportune/slot', $content ) ) && self::may_fill() ) {
			self::is_private();
		}
	}

	/** Whether the page is this visitor's alone, or can still be made so. */
	private static function is_private() {
		if ( ! self::$is_private && ! headers_sent() ) {
			self::$is_private = true;
			defined( 'DONOTCACHEPAGE' ) || define( 'DONOTCACHEPAGE', true );
			header( 'Cache-Control: private, no-store' );
		}
		return self::$is_private;
	}

	private static function may_fill() {
		return '' !== Opportune_Visitor::id() && Opportune_Settings::is_ready() && self::is_ours();
	}

	/** Whether the server fills places: not where one page is kept for everybody. */
	private static function is_ours() {
		$choice = Opportune_Settings::get( 'slots' );
		if ( 'auto' !== $choice ) {
			return 'server' === $choice;
		}
		return ! ( defined( 'WP_CACHE' ) && WP_CACHE ) || is_user_logged_in();
	}

	/** The HTML that was decided (null: the normal content stands), and the decision's token. */
	private static function ask( $slot ) {
		$left = min( Opportune_Client::limit( self::LIMIT_MS ), Opportune_Client::limit( self::PAGE_MS ) - self::$spent_ms );
		if ( $left < 20 || Opportune_Visitor::is_staff() ) {
			return array( null, '' );
		}
		$started = microtime( true );
		$answer  = Opportune_Client::ask( 'GET', self::question( $slot ), self::key(), '', (int) $left, array( 'User-Agent' => Opportune_Visitor::agent() ) );
		self::$spent_ms += (int) ( ( microtime( true ) - $started ) * 1000 );
		$variant = isset( $answer['headers']['opportune-variant'] ) ? $answer['headers']['opportune-variant'] : '';
		$token   = isset( $answer['headers']['opportune-decision'] ) ? (string) $answer['headers']['opportune-decision'] : '';
		$is_ours = 200 === $answer['status'] && '' !== $variant && 'normal' !== $variant;
		return array( $is_ours ? $answer['body'] : null, $token );
	}

	private static function key() {
		$secret = Opportune_Settings::get( 'secret_key' );
		return '' !== $secret ? $secret : Opportune_Settings::get( 'write_key' );
	}

	private static function question( $slot ) {
		$facts = Opportune_Page::facts();
		$user  = '' !== Opportune_Settings::get( 'secret_key' ) ? Opportune_Visitor::user_id() : '';
		$asked = Opportune_Client::said(
			array(
				'anonymousId' => Opportune_Visitor::id(),
				'userId'      => $user,
				'path'        => Opportune_Page::path(),
				'page_type'   => $facts['page-type'],
				'category'    => isset( $facts['category'] ) ? $facts['category'] : '',
				'product'     => isset( $facts['product'] ) ? $facts['product'] : '',
			)
		);
		return '/v1/fragments/' . rawurlencode( $slot ) . '?' . http_build_query( $asked, '', '&', PHP_QUERY_RFC3986 );
	}
}
